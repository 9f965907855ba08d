"""Which values become -1 and 1, and what becomes of others."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from helpers.data import dataset
from helpers.format import noise, write

from util.errors import InputError
from util.images.read import BadImage


def test_a_range_is_what_becomes_minus_one_and_one_and_clips(tmp_path) -> None:
    write(tmp_path / "a.tif", np.array([[0, 100, 600, 1100, 5000]] * 4, np.uint16))
    image = dataset(tmp_path, "single", input_nc=1, range_A="100,1100")[0]["A"]
    assert image[0, 0].tolist() == [-1, -1, 0, 1, 1]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (noise(np.uint8, 8, 8), "0,255"),
        (noise(np.uint16, 8, 8), "0,65535"),
        (noise(np.int16, 8, 8), "-32768,32767"),
        (noise(np.float32, 8, 8), "0.0,1.0"),
        (noise(np.float64, 8, 8), "0.0,1.0"),
        (np.full((8, 8), 60000, np.int32), "0,65535"),
    ],
)
def test_auto_ranges_are_those_of_the_first_files_type(tmp_path, array, text) -> None:
    write(tmp_path / "a.npy", array)
    assert dataset(tmp_path, "single", input_nc=1).ranges()["range_A"] == text


def test_a_tiff_that_says_12_bits_has_their_range(tmp_path) -> None:
    array = np.full((8, 8), 4000, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, extratags=[(281, 3, 1, 4095, True)])
    assert dataset(tmp_path, "single", input_nc=1).ranges()["range_A"] == "0,4095"
    tifffile.imwrite(tmp_path / "a.tif", array, extratags=[(281, 3, 1, 4000, True)])
    assert dataset(tmp_path, "single", input_nc=1).ranges()["range_A"] == "0,65535"


@pytest.mark.parametrize(
    "array", [np.array([[-3.5, 800]], np.float32), np.array([[0, 70000]], np.int32)]
)
def test_values_that_no_type_bounds_must_have_a_declared_range(tmp_path, array) -> None:
    write(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=r"a.npy has values from .*declare .* --range_A="):
        dataset(tmp_path, "single", input_nc=1)


def test_files_of_other_depths_are_scaled_between_whole_depths_and_else_refused(tmp_path) -> None:
    write(tmp_path / "a.npy", np.full((8, 8), 65535, np.uint16))
    write(tmp_path / "b.npy", np.full((8, 8), 255, np.uint8))
    deep = dataset(tmp_path, "single", input_nc=1)
    assert deep[1]["A"].unique().tolist() == [1]
    for flags, reason in (
        ({"range_A": "0,4095"}, "holds 8 bits, which is less than --range_A 0,4095"),
        ({"range_A": "0.0,1.0"}, "holds whole numbers, but --range_A 0.0,1.0 stands for floats"),
    ):
        bad = dataset(tmp_path, "single", input_nc=1, **flags)[1]
        assert isinstance(bad, BadImage)
        assert reason in bad.reason


def test_a_declared_range_of_8_bits_keeps_images_of_16_bits_as_they_were_read_before(
    tmp_path,
) -> None:
    write(tmp_path / "a.png", np.full((8, 8), 65535 // 2, np.uint16))
    image = dataset(tmp_path, "single", input_nc=3, range_A="0,255")[0]["A"]
    assert image.dtype == torch.uint8
    assert image.unique().tolist() == [127]


def test_resizing_deep_images_stays_within_the_range(tmp_path) -> None:
    steps = np.repeat(np.array([[0, 65535] * 8], np.uint16), 16, 0)
    write(tmp_path / "a.tif", steps)
    flags = {"preprocess": "resize_and_crop", "load_size": 40, "crop_size": 40}
    image = dataset(tmp_path, "single", input_nc=1, **flags)[0]["A"]
    assert image.shape == (1, 40, 40)
    assert (image.min().item(), image.max().item()) == (-1, 1)


def test_nan_and_infinity_make_a_bad_image(tmp_path) -> None:
    write(tmp_path / "a.npy", np.array([[0.5, np.nan, np.inf]], np.float32))
    bad = dataset(tmp_path, "single", input_nc=1, range_A="0,1")[0]
    assert isinstance(bad, BadImage)
    assert "--nodata nan leaves them out" in bad.reason


def test_a_range_belongs_to_the_input_whatever_the_direction(tmp_path) -> None:
    write(tmp_path / "trainA/a.npy", np.full((8, 8), 100, np.uint16))
    write(tmp_path / "trainB/a.npy", np.full((8, 8), 1000, np.uint16))
    for direction, middle in (("AtoB", "0,200"), ("BtoA", "0,2000")):
        for mode in ("aligned", "unaligned"):
            flags = {"input_nc": 1, "output_nc": 1, "direction": direction, "range_A": middle}
            item = dataset(tmp_path, mode, **flags)[0]
            assert item["A"].unique().tolist() == [0], (mode, direction)


def test_ranges_are_refused_where_a_data_set_does_not_know_them(unpaired) -> None:
    with pytest.raises(
        InputError, match="template reads its files in its own way: leave out --range_A$"
    ):
        dataset(unpaired, "template", range_A="0,100")


@pytest.mark.parametrize("flags", [{"range_A": "measure"}, {"bands_A": "1"}])
def test_ranges_and_bands_are_refused_for_label_maps(tmp_path, flags) -> None:
    write(tmp_path / "a.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(InputError, match="--label_A makes label maps of them: leave one out"):
        dataset(tmp_path, "single", input_nc=2, labels=2, **flags)


@pytest.mark.parametrize("mode", ["aligned", "unaligned"])
def test_auto_ranges_go_with_the_direction_too(tmp_path, mode) -> None:
    write(tmp_path / "trainA/a.npy", noise(np.uint8, 8, 8))
    write(tmp_path / "trainB/a.npy", noise(np.uint16, 8, 8))
    flags = {"input_nc": 1, "output_nc": 1}
    there = dataset(tmp_path, mode, **flags).ranges()
    assert there == {"range_A": "0,255", "range_B": "0,65535"}
    back = dataset(tmp_path, mode, direction="BtoA", **flags).ranges()
    assert back == {"range_A": "0,65535", "range_B": "0,255"}


def test_each_channel_may_have_a_range_of_its_own(tmp_path) -> None:
    array = np.stack([np.full((8, 8), value, np.float32) for value in (0.05, 0.2, 0.9)], axis=-1)
    write(tmp_path / "a.npy", array)
    text = "0,0.05;0,0.4;0.8,1"
    images = dataset(tmp_path, "single", input_nc=3, range_A=text)
    assert images[0]["A"][:, 0, 0].tolist() == pytest.approx([1, 0, 0], abs=1e-6)
    assert images.ranges()["range_A"] == "0.0,0.05;0.0,0.4;0.8,1.0"
    values = images.values["A"]
    assert values.from_network(images[0]["A"][None]) == pytest.approx(array, abs=1e-7)
    with pytest.raises(InputError, match="has 2 ranges for 3 channels"):
        dataset(tmp_path, "single", input_nc=3, range_A="0,1;0,2")


def test_whole_numbers_of_channels_come_back_as_they_were(tmp_path) -> None:
    array = np.random.default_rng(0).integers(0, 4096, (8, 8, 2), dtype=np.uint16)
    array[..., 0] %= 300
    write(tmp_path / "a.npy", array)
    images = dataset(tmp_path, "single", input_nc=2, range_A="0,299;0,4095")
    values = images.values["A"]
    assert np.array_equal(values.from_network(images[0]["A"][None]), array)
    assert values.dtype == np.uint16


def test_bands_choose_channels_in_their_order(tmp_path) -> None:
    array = np.stack([np.full((8, 8), 100 * i, np.uint16) for i in range(1, 6)])
    write(tmp_path / "a.npy", array)
    images = dataset(tmp_path, "single", input_nc=3, range_A="0,1000", bands_A="4,3,1")
    values = images.values["A"]
    assert values.from_network(images[0]["A"][None])[0, 0].tolist() == [400, 300, 100]
    with pytest.raises(InputError, match="--bands_A chooses 2 channels: give --input_nc 2, not 3"):
        dataset(tmp_path, "single", input_nc=3, bands_A="4,3")
    with pytest.raises(InputError, match="has 5 channels, of which --bands_A 6 wants the 6th"):
        dataset(tmp_path, "single", input_nc=1, range_A="0,1000", bands_A="6")


def test_bands_of_8_bits_stay_8_bits(tmp_path) -> None:
    array = noise(np.uint8, 8, 8, 3)
    write(tmp_path / "a.png", array)
    image = dataset(tmp_path, "single", input_nc=3, bands_A="3,2,1")[0]["A"]
    assert image.dtype == torch.uint8
    assert np.array_equal(image.movedim(0, -1).numpy(), array[..., ::-1])


def test_measured_ranges_hold_nearly_all_values_and_are_rounded_outward(tmp_path) -> None:
    for i in range(3):
        values = np.linspace(210, 8970, 200 * 200).reshape(200, 200).astype(np.uint16)
        if i == 0:
            values[0, 0] = 65535  # a hot pixel
        write(tmp_path / f"{i}.tif", values)
    measured = dataset(tmp_path, "single", input_nc=1, range_A="measure")
    assert measured.ranges()["range_A"] == "0,9000"


def test_measured_ranges_are_those_of_a_sides_own_half(tmp_path) -> None:
    left, right = np.full((8, 8), 40, np.uint16), np.full((8, 8), 5000, np.uint16)
    left[0, 0], right[0, 0] = 0, 4000
    write(tmp_path / "train/a.tif", np.concatenate([left, right], axis=1))
    flags = {"input_nc": 1, "output_nc": 1, "range_A": "measure", "range_B": "measure"}
    there = dataset(tmp_path, "aligned", **flags).ranges()
    assert there == {"range_A": "0,40", "range_B": "4000,5000"}
    back = dataset(tmp_path, "aligned", direction="BtoA", **flags).ranges()
    assert back == {"range_A": "4000,5000", "range_B": "0,40"}


def test_channels_that_are_unlike_are_measured_one_by_one(tmp_path) -> None:
    rng = np.random.default_rng(0)
    array = rng.random((50, 50, 2)).astype(np.float32) * np.array([0.05, 0.4], np.float32)
    write(tmp_path / "a.npy", array)
    measured = dataset(tmp_path, "single", input_nc=2, range_A="measure")
    assert measured.ranges()["range_A"] == "0.0,0.05;0.0,0.4"
