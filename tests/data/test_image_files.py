"""Finding image files, and reading those of every kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import picture, write_images
from helpers.data import dataset
from PIL import Image

from data import Source, create_dataset
from data.files.image_folder import list_images
from options.base_options import DataOptions
from util.errors import InputError
from util.images.read import BadImage, read_image


def test_an_odd_width_cannot_be_a_pair(tmp_path) -> None:
    write_images(tmp_path / "train", 1, 32, 65)
    bad = dataset(tmp_path, "aligned")[0]
    assert isinstance(bad, BadImage)
    assert "65 pixels wide, which is odd" in bad.reason


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
    (tmp_path / "trainB").mkdir()
    with pytest.raises(InputError, match="trainB holds no images"):
        dataset(tmp_path, "unaligned")
    with pytest.raises(InputError, match="nor .*nowhere: check --dataroot"):
        dataset(tmp_path / "nowhere", "aligned")


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
