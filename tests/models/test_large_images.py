"""Images that need not fit into memory: reading by rectangles, writing as they come, translating from file to file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture
from PIL import Image

from models.inference.translate_file import translate_large
from models.networks import define_G
from models.tiling import Tiling, tiled
from util.errors import InputError
from util.images import to_uint8
from util.images.large_read import open_large
from util.images.large_write import write_large
from util.images.values import Values

tifffile = pytest.importorskip("tifffile")

COLOUR = picture(3, 300, 410)
DEEP = COLOUR.astype(np.uint16) * 257
STORED = {  # how a TIFF file may hold it
    "tiles": {"tile": (64, 96), "compression": "zlib"},
    "tiles, predicted": {"tile": (64, 64), "compression": "zlib", "predictor": True},
    "tiles, not compressed": {"tile": (128, 64)},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "one strip": {"compression": "zlib"},
    "as it is": {},
    "big": {"bigtiff": True, "tile": (64, 64)},
    "big-endian": {"byteorder": ">"},
    "channels apart": {"planarconfig": "separate"},
}
WINDOWS = [
    (0, 300, 0, 410),
    (0, 1, 0, 1),
    (63, 65, 90, 200),
    (299, 300, 400, 410),
    (100, 228, 64, 128),
]


def as_levels(values: torch.Tensor) -> np.ndarray:
    return ((values.movedim(0, -1) + 1) * 127.5).round().numpy()


def write_tiff(path: Path, array: np.ndarray, **how) -> None:
    apart = how.get("planarconfig") == "separate"
    kind = "rgb" if array.ndim == 3 else "minisblack"
    tifffile.imwrite(path, np.moveaxis(array, -1, 0) if apart else array, photometric=kind, **how)


@pytest.mark.parametrize("how", STORED)
def test_windows_of_a_tiff_are_its_pixels_however_it_is_stored(how, tmp_path) -> None:
    write_tiff(tmp_path / "a.tif", COLOUR, **STORED[how])
    with open_large(tmp_path / "a.tif") as image:
        assert (image.height, image.width) == (300, 410)
        for top, bottom, left, right in WINDOWS:
            values = image.read(slice(top, bottom), slice(left, right), Values("A", 3))
            assert np.array_equal(as_levels(values), COLOUR[top:bottom, left:right])


@pytest.mark.parametrize("how", ["tiles", "strips", "as it is", "big-endian"])
def test_sixteen_bits_keep_their_depth(how, tmp_path) -> None:
    write_tiff(tmp_path / "a.tif", DEEP + 1, **STORED[how])
    with open_large(tmp_path / "a.tif") as image:
        values = image.read(slice(10, 90), slice(20, 130), Values("A", 3))
    levels = (values.double().movedim(0, -1) + 1) * 32767.5
    assert np.array_equal(levels.round().numpy(), DEEP[10:90, 20:130] + 1)


def test_colour_becomes_grey_as_in_pillow_and_grey_becomes_colour(tmp_path) -> None:
    grey = np.asarray(Image.fromarray(COLOUR).convert("L"))
    write_tiff(tmp_path / "colour.tif", COLOUR, tile=(64, 64))
    write_tiff(tmp_path / "grey.tif", grey, tile=(64, 64))
    everything = slice(0, 300), slice(0, 410)
    with open_large(tmp_path / "colour.tif") as image:
        assert np.array_equal(as_levels(image.read(*everything, Values("A", 1)))[..., 0], grey)
    with open_large(tmp_path / "grey.tif") as image:
        assert np.array_equal(
            as_levels(image.read(*everything, Values("A", 3))), grey[..., None].repeat(3, -1)
        )


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_other_formats_are_read_whole(name, tmp_path) -> None:
    Image.fromarray(COLOUR).convert("RGBA").save(tmp_path / name)
    with open_large(tmp_path / name) as image:
        assert np.array_equal(
            as_levels(image.read(slice(5, 9), slice(3, 8), Values("A", 3))), COLOUR[5:9, 3:8]
        )


def test_a_picture_that_pillow_takes_for_an_attack_is_read(tmp_path, monkeypatch) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with open_large(tmp_path / "a.png") as image:
        assert image.width == 410
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_rotated_tiff_is_turned_upright(tmp_path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", tiffinfo={274: 3})
    with open_large(tmp_path / "a.tif") as image:
        values = image.read(slice(0, 300), slice(0, 410), Values("A", 3))
    assert np.array_equal(as_levels(values), COLOUR[::-1, ::-1])


def parts(array: np.ndarray, side: int):
    height, width = array.shape[:2]
    for top in range(0, height, side):
        for left in range(0, width, side):
            rows, columns = (
                slice(top, min(height, top + side)),
                slice(left, min(width, left + side)),
            )
            yield rows, columns, array[rows, columns]


@pytest.mark.parametrize("side", [60, 256, 300, 1000])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize("colour", [True, False])
def test_what_is_written_in_parts_is_the_image(side, name, colour, tmp_path) -> None:
    array = picture(5, 600, 530)
    array = array if colour else array[..., 0]
    write_large(tmp_path / name, array.shape[:2], parts(array, side))
    assert np.array_equal(np.asarray(Image.open(tmp_path / name)), array)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_tiff_is_written_in_tiles_before_all_parts_have_come(tmp_path) -> None:
    array, sizes = np.random.default_rng(0).integers(0, 256, (1024, 512, 3), np.uint8), []

    def slowly():
        for part in parts(array, 256):
            sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield part

    write_large(tmp_path / "a.tif", (1024, 512), slowly())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert (file.pages[0].tilelength, file.pages[0].tilewidth) == (256, 256)
    assert sizes[-1] > array.nbytes / 2


def test_an_image_of_more_than_four_gigabytes_is_a_bigtiff(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("util.images.large_write.BIG", COLOUR.nbytes - 1)
    write_large(tmp_path / "a.tif", (300, 410), parts(COLOUR, 300))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff


@pytest.mark.parametrize("mode", ["exact", "blend"])
@pytest.mark.parametrize(("source", "target"), [("a.tif", "b.tif"), ("a.png", "b.png")])
def test_a_file_is_translated_as_in_memory(mode, source, target, tmp_path) -> None:
    torch.manual_seed(0)
    G = define_G(3, 3, 2, "resnet_6blocks", "instance", init_gain=0.1)
    if source == "a.tif":
        write_tiff(tmp_path / source, COLOUR, **STORED["tiles"])
    else:
        Image.fromarray(COLOUR).save(tmp_path / source)
    tiling = Tiling(150, mode)
    translate_large(G, tmp_path / source, tmp_path / target, tiling)
    images = torch.from_numpy(COLOUR).permute(2, 0, 1)[None] / 127.5 - 1
    expected = to_uint8(tiled(G, images, tiling)[0]).astype(int)
    written = np.asarray(Image.open(tmp_path / target))
    assert written.shape == (300, 410, 3)
    assert np.abs(written - expected).max() <= 1
    assert expected.std() > 5


def broken(path: Path) -> Path:
    write_tiff(path, COLOUR, **STORED["tiles"])
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        start, length = file.pages[0].dataoffsets[5], file.pages[0].databytecounts[5]
    content[start : start + length] = b"x" * length
    path.write_bytes(content)
    return path


def test_what_cannot_be_read_is_named_and_leaves_no_file(tmp_path) -> None:
    (tmp_path / "no.tif").write_bytes(b"II*\0no image")
    (tmp_path / "no.png").write_bytes(b"no image")
    floats = tmp_path / "floats.tif"
    tifffile.imwrite(floats, COLOUR.astype(np.float64), photometric="rgb")
    two = tmp_path / "two.tif"
    write_tiff(two, COLOUR, **STORED["tiles"])
    G = define_G(3, 3, 2, "resnet_6blocks", "instance")
    for path, message in (
        (tmp_path / "missing.tif", "missing.tif is missing or not a plain file"),
        (tmp_path / "no.tif", "no.tif cannot be read as an image"),
        (tmp_path / "no.png", "no.png cannot be read as an image"),
        (floats, "floats.tif holds values of type float64"),
        (broken(tmp_path / "broken.tif"), "broken.tif cannot be read as an image"),
    ):
        with pytest.raises(InputError, match=message):
            translate_large(G, path, tmp_path / "out.tif", Tiling(64))
    with pytest.raises(InputError, match="two.tif has 3 channels where 2 are needed"):
        translate_large(G, two, tmp_path / "out.tif", Tiling(64), inputs=Values("A", 2))
    assert not list(tmp_path.glob("*out*"))


def test_what_cannot_be_written_is_said_before_anything_is_computed(tmp_path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    G = define_G(3, 3, 2, "resnet_6blocks", "instance")
    (tmp_path / "file").write_text("")
    steps: list[int] = []
    for name, message in (
        ("b.xyz", "b.xyz is no kind of image that can be written: use .tif or .png"),
        ("file/b.tif", "cannot write .*file/b.tif"),
    ):
        with pytest.raises(InputError, match=message):
            translate_large(
                G,
                tmp_path / "a.png",
                tmp_path / name,
                Tiling(64),
                progress=lambda done, _: steps.append(done),
            )
    assert not steps


def test_without_tifffile_an_error_says_what_to_install(tmp_path, monkeypatch) -> None:
    write_tiff(tmp_path / "a.tif", COLOUR)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(InputError, match="pip install tifffile"), open_large(tmp_path / "a.tif"):
        pass
    with pytest.raises(InputError, match="pip install tifffile"):
        write_large(tmp_path / "b.tif", (300, 410), parts(COLOUR, 100))
