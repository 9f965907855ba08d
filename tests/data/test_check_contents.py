"""Findings about what files hold: grey read as colour, ranges that are nearly empty, flags that fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import write_images
from helpers.data import dataset
from helpers.doctor import aligned, clean_folders, clean_pairs
from helpers.format import noise, write

from data.checks.quick import headers_of, quick_findings
from util.errors import InputError
from util.images.contents import measure_contents

FITTING = {"input_nc": 1, "output_nc": 1, "range_A": "0,9000", "range_B": "0,9000"}


def counts(root: Path) -> Path:
    """Grey files of 16 bits with values from 200 to 9000."""
    for side in "AB":
        values = np.linspace(200, 9000, 32 * 32).reshape(32, 32).astype(np.uint16)
        write(root / f"train{side}/0.tif", values)
    return root


def found_in(root: Path, mode: str = "aligned", **flags) -> list[str]:
    images = dataset(root, mode, **flags)
    return [found.brief for found in quick_findings(images, headers_of(images))]


def test_grey_counts_with_default_flags_are_told_before_a_training(tmp_path) -> None:
    found = found_in(counts(tmp_path))
    assert [line.split(" are ")[0].split(" reach ")[0] for line in found] == [
        "warning: files of trainA",
        "warning: values of trainA",
        "warning: files of trainB",
        "warning: values of trainB",
    ]
    assert "use --input_nc 1" in found[0]
    assert "from 200 to 9000 in 1 file, 13% of --range_A 0,65535" in found[1]
    assert "use --range_B=0,9000" in found[3]


def test_fitting_flags_are_not_complained_of(tmp_path) -> None:
    assert found_in(counts(tmp_path), **FITTING) == []
    assert found_in(clean_folders(tmp_path / "colour")) == []
    assert found_in(clean_pairs(tmp_path / "pairs")) == []


@pytest.mark.parametrize("range_A", ["auto", "0,255"])
def test_of_16_bits_that_are_read_as_8_the_share_is_the_same(tmp_path, range_A) -> None:
    found = found_in(counts(tmp_path), input_nc=1, range_A=range_A)
    assert any("values of trainA" in line and "13% of" in line for line in found)


def test_one_bright_pixel_does_not_fill_a_range(tmp_path) -> None:
    values = np.tile(np.arange(0, 2500, 5, dtype=np.uint16), (500, 1))
    values[0, 0] = 65535
    write(tmp_path / "0.tif", values)
    (line,) = found_in(tmp_path, "single", input_nc=1)
    assert "from 0 to 65535 in 1 file, 4% of --range_A" in line


def test_small_numbers_may_be_classes(tmp_path) -> None:
    write(tmp_path / "0.png", np.tile(np.arange(4, dtype=np.uint8), (8, 2)))
    (line,) = found_in(tmp_path, "single", input_nc=1)
    assert "if they are class numbers, --label_A 4" in line
    assert found_in(tmp_path, "single", input_nc=4, labels=4) == []


def test_contents_are_counted_without_transparency_and_part_by_part(tmp_path) -> None:
    array = noise(np.uint8, 20, 24, 4)
    write(tmp_path / "a.png", array)
    (whole,) = measure_contents([str(tmp_path / "a.png")])
    assert (whole.channels, whole.dtype, whole.low, whole.high) == (3, np.uint8, 0, 255)
    pair = np.concatenate([np.full((8, 8), 7, np.int16), np.full((8, 8), -9, np.int16)], axis=1)
    write(tmp_path / "b.npy", pair)
    left, right = measure_contents([str(tmp_path / "b.npy")], parts=2)
    assert (left.percentiles, right.percentiles) == ((7, 7, 7), (-9, -9, -9))
    assert measure_contents([str(tmp_path / "none.png")]) == []


def test_files_are_described_also_where_their_range_has_to_be_declared_first(
    tmp_path, checked
) -> None:
    for side in "AB":
        write(tmp_path / f"train{side}/0.tif", noise(np.float32, 16, 16, 5) * 640 - 220)
    report = checked(tmp_path, *aligned("--quick"))
    assert "trainA, A: 5 channels of float32, values -219." in report.text
    flags = "--input_nc 5 --range_A=-220.0,420.0 --output_nc 5 --range_B=-220.0,420.0"
    assert (
        f"flags that fit these files: {flags}\n\nthe check goes on with these flags\n"
        in report.text
    )
    assert "error: --range_A auto takes floats as 0.0,1.0" in report.text
    assert "training would stop" in report.text


def test_the_report_says_what_files_hold_and_which_flags_fit(tmp_path, checked) -> None:
    text = checked(counts(tmp_path), *aligned("--quick")).text
    assert "  trainB, B: 1 channel of uint16, values 200 to 9000 (99.8 % within " in text
    flags = "--input_nc 1 --range_A=0,9000 --output_nc 1 --range_B=0,9000"
    assert f"  flags that fit these files: {flags}\n" in text
    write_images(tmp_path / "c", 2, 16, 32)
    text = checked(tmp_path / "c", "--dataset_mode", "single", "--quick").text
    assert "c, A: 3 channels of uint8, values " in text
    assert "flags that fit" not in text


def test_every_file_is_measured_and_of_many_it_is_said_that_some_are(tmp_path, checked) -> None:
    for i in range(40):
        write(tmp_path / f"c/{i:02}.tif", np.full((16, 16), 100 + i, np.uint16))
    text = checked(tmp_path / "c", "--dataset_mode", "single", "--input_nc", "1").text
    assert "values 100 to 139 (" in text
    assert "; 40 files)" in text
    (some,) = measure_contents([str(tmp_path / f"c/{i:02}.tif") for i in range(40)], most=10)
    assert "; 10 of 40 files, evenly chosen)" in str(some)


def test_channels_are_sampled_together_and_flags_are_quoted_for_the_shell(tmp_path) -> None:
    array = np.zeros((64, 64, 4), np.float32)
    array += np.array([1, 20, 300, 4000], np.float32) * noise(np.uint8, 64, 64)[..., None] / 255
    write(tmp_path / "train/0.npy", np.concatenate([array, array], axis=1))
    found = found_in(tmp_path, input_nc=4, output_nc=4, range_A="0,4000", range_B="0,4000")
    assert found == []  # the whole fills it
    (one, _) = measure_contents([str(tmp_path / "train/0.npy")], parts=2)
    assert str(one.fitting_range()) == "0.0,1.0;0.0,20.0;0.0,300.0;0.0,4000.0"
    (line, _) = found_in(tmp_path, input_nc=4, output_nc=4, range_A="0,90000", range_B="0,90000")
    assert "use '--range_A=0.0,1.0;0.0,20.0;0.0,300.0;0.0,4000.0'" in line


def test_nan_is_counted_and_the_flag_named(tmp_path, checked) -> None:
    array = noise(np.float32, 16, 32)
    array[0, :8] = np.nan
    write(tmp_path / "train/0.tif", array)
    flags = ["--input_nc", "1", "--output_nc", "1"]
    text = checked(tmp_path, *aligned("--quick", *flags)).text
    assert "3.12% infinite or NaN" in text
    assert "flags that fit these files: --nodata nan" in text
    text = checked(tmp_path, *aligned("--quick", *flags, "--nodata", "nan")).text
    assert "infinite or NaN" not in text


def masks(root: Path, *levels: int) -> Path:
    write(root / "0.png", np.tile(np.array(levels, np.uint8), (8, 4)))
    return root


def test_masks_of_0_and_255_are_no_label_maps_of_two_classes(tmp_path) -> None:
    flags = {"input_nc": 2, "labels": 2}
    with pytest.raises(InputError, match="0.png and others hold 255 and never 1.* 1 in place of"):
        dataset(masks(tmp_path / "masks", 0, 255), "single", **flags)
    assert dataset(masks(tmp_path / "some", 0, 1, 255), "single", **flags)[0]["A"].shape[0] == 2
    assert dataset(masks(tmp_path / "none", 0), "single", **flags)[0]["A"].shape[0] == 2


def test_single_images_that_are_twice_as_wide_as_high_may_be_pairs(tmp_path) -> None:
    write_images(tmp_path / "pairs", 3, 16, 32)
    (found,) = found_in(tmp_path / "pairs", "single")
    assert "3 of 3 images; each is translated as one image here" in found
    write_images(tmp_path / "wide", 3, 16, 40)
    assert found_in(tmp_path / "wide", "single") == []
