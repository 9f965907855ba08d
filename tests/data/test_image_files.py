"""Finding image files, and reading those of every kind."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, write_images
from helpers.data import dataset
from PIL import Image

from data import Source, create_dataset
from data.checks.sizes import size_findings
from data.files.image_folder import list_images
from options.base_options import DataOptions
from options.types import Range
from util.errors import InputError
from util.images.detect_values import kind_of
from util.images.read import BadImage, read_image, read_values
from util.images.values import Values


def test_an_odd_width_cannot_be_a_pair(tmp_path) -> None:
    write_images(tmp_path / "train", 1, 32, 65)
    bad = dataset(tmp_path, "aligned")[0]
    assert isinstance(bad, BadImage)
    assert "65 pixels wide, which is not a multiple of 2" in bad.reason


def test_a_file_of_three_images_is_divided_by_three(tmp_path) -> None:
    write_images(tmp_path / "train", 1, 32, 96)
    write_images(tmp_path / "train", 1, 32, 64, start=1)
    items = dataset(tmp_path, "aligned")
    whole, bad = items.paths
    parts = items.read_parts(whole, (3, 3, 1), random.Random(0))
    assert [len(part) for part in parts] == [3, 3, 1]
    with pytest.raises(BadImage, match="64 pixels wide, which is not a multiple of 3"):
        items.read_parts(bad, (3, 3, 1), random.Random(0))
    items.sides_in_a_file = 3
    findings = size_findings(items, {whole: (32, 96), bad: (32, 64)})
    assert "width not a multiple of 3, so no 3 equal parts: 1 of 2 images" in findings[0].text
    assert findings[0].files == (f"{bad}: 64 pixels wide",)


def test_listing_is_sorted_recursive_and_knows_extensions_in_any_case(tmp_path) -> None:
    write_images(tmp_path / "b", 1)
    write_images(tmp_path / "a/deep", 1)
    for name in ("c.Jpg", "d.WEBP", "e.TIFF", "notes.txt", ".hidden.png"):
        shutil.copy(tmp_path / "b/000.png", tmp_path / name)
    names = [str(Path(path).relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert names == ["a/deep/000.png", "b/000.png", "c.Jpg", "d.WEBP", "e.TIFF"]
    assert len(list_images(tmp_path, 2)) == 2


def test_a_link_in_a_circle_does_not_trap_the_listing(tmp_path) -> None:
    write_images(tmp_path / "a", 2)
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert len(list_images(tmp_path)) == 2


def test_missing_and_empty_folders_are_explained(tmp_path) -> None:
    write_images(tmp_path / "trainA", 1)
    with pytest.raises(InputError, match=r"no folder .*/trainB: .* holds trainA; check --dataroot"):
        dataset(tmp_path, "unaligned")
    with pytest.raises(InputError, match="holds trainA but no trainB: pairs need both, or one folder train"):  # fmt: skip
        dataset(tmp_path, "aligned")
    (tmp_path / "trainB").mkdir()
    with pytest.raises(InputError, match="trainB holds no images"):
        dataset(tmp_path, "unaligned")
    with pytest.raises(InputError, match="nor .*nowhere: check --dataroot"):
        dataset(tmp_path / "nowhere", "aligned")
    (tmp_path / "facades").mkdir()
    with pytest.raises(InputError, match=r"nor .*/facdes \(did you mean facades\?\): check"):
        dataset(tmp_path / "facdes", "aligned")


def test_channels_that_a_data_set_cannot_read_are_refused(paired, unpaired) -> None:
    with pytest.raises(InputError, match="--input_nc 4: this --dataset_mode reads images with 1"):
        dataset(unpaired, "template", input_nc=4)
    with pytest.raises(InputError, match="--input_nc 1 and --output_nc 2, not 3 and 3"):
        dataset(paired, "colorization")


def test_images_stand_upright_as_their_exif_says(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(picture(0, 20, 40)).save(tmp_path / "a.png", exif=exif)
    assert read_image(str(tmp_path / "a.png"), 3).shape == (3, 40, 20)


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (np.full((8, 8), 65535 // 2, np.uint16), "16-bit"),
        (np.full((8, 8), 0.5, np.float32), "float"),
        (np.full((8, 8), 128, np.uint8), "8-bit"),
    ],
)
def test_deep_images_are_scaled_not_clipped(tmp_path, array, mode) -> None:
    Image.fromarray(array).save(tmp_path / "a.tif")
    for channels in (1, 3):
        image = read_image(str(tmp_path / "a.tif"), channels)
        assert image.shape == (channels, 8, 8)
        assert abs(image.float().mean().item() - 128) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_image_becomes_colour_or_grey(tmp_path, mode) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.fromarray(picture(0, 8, 8)).convert(mode).save(tmp_path / f"a.{suffix}")
    for channels in (1, 3):
        assert read_image(str(tmp_path / f"a.{suffix}"), channels).shape == (channels, 8, 8)


def test_options_of_data_need_no_command_line(paired) -> None:
    options = DataOptions(dataroot=str(paired), dataset_mode="aligned", load_size=32, crop_size=32)
    assert len(create_dataset(options, Source())) == 6


def bomb(path: Path) -> Path:
    """A file of less than 1 MB whose pixels take more than 64 MB."""
    side = 9000
    if path.suffix == ".png":
        with path.open("wb") as file:
            Image.new("1", (side, side)).save(file, "PNG")
    elif path.suffix == ".npz":
        np.savez_compressed(path, image=np.zeros((side, side), np.uint8))
    elif path.suffix == ".tif":
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(path, np.zeros((side, side), np.uint8), compression="zlib")
    else:
        OpenEXR = pytest.importorskip("OpenEXR")
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, {"Y": np.zeros((side, side // 2), np.float16)}) as file:
            file.write(str(path))
    assert path.stat().st_size < 1e6
    return path


@pytest.mark.parametrize("suffix", [".png", ".npz", ".tif", ".exr"])
@pytest.mark.parametrize("range_A", [None, Range(0, 65535, True)])
def test_small_files_that_would_fill_the_memory_are_bad_images(tmp_path, suffix, range_A) -> None:
    path = str(bomb(tmp_path / f"a{suffix}"))
    with pytest.raises(BadImage, match=r"a\.\w+: cannot be read .* would unpack to \d+ MB"):
        read_values(path, Values("A", 1, range_A))
    with pytest.raises(BadImage, match="would unpack"):
        read_values(path, Values("A", 3, labels=3))
    assert kind_of(path) is None or suffix == ".tif"


def test_a_large_image_that_is_not_packed_is_read(tmp_path) -> None:
    Image.new("RGB", (6000, 4000), (1, 2, 3)).save(tmp_path / "a.bmp")
    assert read_image(str(tmp_path / "a.bmp"), 3).shape == (3, 4000, 6000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs in folders")
def test_pipes_and_devices_are_no_images_also_with_a_cache(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    os.mkfifo(tmp_path / "images/a.png")
    (tmp_path / "images/b.png").symlink_to("/dev/zero")
    items = dataset(tmp_path / "images", "single", cache=str(tmp_path / "cache"))
    for item in (items[0], items[1]):
        assert isinstance(item, BadImage)
        assert item.reason == "is missing or not a plain file"


def test_a_jfif_file_is_read_as_the_jpeg_that_it_is(tmp_path) -> None:
    Image.fromarray(picture(0, 20, 24)).save(tmp_path / "a.jpg")
    shutil.copy(tmp_path / "a.jpg", tmp_path / "b.JFIF")
    one, other = (read_image(path, 3) for path in list_images(tmp_path))
    assert torch.equal(one, other)


def test_files_of_formats_that_are_not_read_are_counted_with_what_to_do(tmp_path, caplog) -> None:
    write_images(tmp_path, 1)
    for name in ("a.gif", "b.GIF", "c.heic", "notes.txt", ".hidden.gif"):
        (tmp_path / name).touch()
    assert len(list_images(tmp_path)) == 1
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "2 .gif and 1 .heic files left out" in warning
    assert "convert them to PNG" in warning


def test_a_folder_without_images_says_what_it_holds(tmp_path) -> None:
    for name in ("a.gif", "b.txt", "c.txt", "README"):
        (tmp_path / name).touch()
    message = r"it holds 2 \.txt, 1 \.gif and 1 other files: convert them to PNG"
    with pytest.raises(InputError, match=message):
        list_images(tmp_path)
