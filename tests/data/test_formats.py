"""Image files of any depth and number of channels, from the file to the result."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from helpers.data import dataset
from helpers.format import noise, passed_through, write
from PIL import Image

from options.types import parse_range
from scripts.make_shards import main as make_shards
from util.errors import InputError
from util.images.read import BadImage, read_array
from util.images.values import Values, from_network, to_network
from util.images.write import write_values

imagecodecs = pytest.importorskip("imagecodecs")
OpenEXR = pytest.importorskip("OpenEXR")


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path)
    return (
        tifffile.imread(path)
        if path.suffix == ".tif"
        else imagecodecs.png_decode(path.read_bytes())
    )


EXACT = [
    (".png", np.uint16, (), "png"),
    (".png", np.uint16, (3,), "png"),
    (".png", np.uint16, (4,), "png"),
    (".png", np.uint8, (4,), "png"),
    (".tif", np.uint8, (5,), "tif"),
    (".tif", np.uint16, (), "tif"),
    (".tif", np.uint16, (3,), "tif"),
    (".tif", np.uint16, (5,), "tif"),
    (".tif", np.int16, (2,), "tif"),
    (".npy", np.uint8, (2,), "npy"),
    (".npy", np.uint16, (), "npy"),
    (".npy", np.int16, (7,), "npy"),
    (".npz", np.uint16, (5,), "npy"),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels", "result"), EXACT)
def test_values_come_back_bit_by_bit_in_the_files_own_format_and_depth(
    tmp_path, suffix, dtype, channels, result
) -> None:
    array = noise(dtype, 20, 24, *channels)
    write(tmp_path / f"in/a{suffix}", array)
    out = passed_through(tmp_path / "in", tmp_path / "out", input_nc=(*channels, 1)[0])
    back = read(out / f"values/a_fake_B.{result}")
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)
    with Image.open(out / "images/a_fake_B.png") as preview:
        assert preview.size == (24, 20)


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_floats_are_exact_between_minus_one_and_one_and_nearly_so_elsewhere(
    tmp_path, suffix
) -> None:
    array = noise(np.float32, 20, 24, 5) * 2 - 1
    write(tmp_path / f"in/a{suffix}", array)
    folder = passed_through(tmp_path / "in", tmp_path / "out", input_nc=5, range_A="-1,1")
    assert np.array_equal(read(folder / f"values/a_fake_B{suffix}"), array)
    write(tmp_path / f"in/a{suffix}", array * 150 + 150)
    folder = passed_through(tmp_path / "in", tmp_path / "out", input_nc=5, range_A="0,300")
    back = read(folder / f"values/a_fake_B{suffix}")
    assert back.dtype == np.float32
    assert np.abs(back - (array * 150 + 150)).max() <= 300 * 2**-23


def test_8_bit_pictures_have_no_files_beside_them(tmp_path) -> None:
    write(tmp_path / "in/a.png", noise(np.uint8, 20, 24, 3))
    out = passed_through(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["images"]
    passed_through(tmp_path / "in", tmp_path / "out", save_format="npy")
    assert np.array_equal(read(out / "values/a_fake_B.npy"), noise(np.uint8, 20, 24, 3))


def test_a_format_can_be_asked_for_unless_it_cannot_hold_the_values(tmp_path) -> None:
    array = noise(np.uint16, 20, 24, 5)
    write(tmp_path / "in/a.tif", array)
    flags = {"input_nc": 5, "save_format": "npy"}
    out = passed_through(tmp_path / "in", tmp_path / "out", **flags)
    assert np.array_equal(read(out / "values/a_fake_B.npy"), array)
    with pytest.raises(InputError, match="PNG files hold .* not 5 channels of 0,65535"):
        passed_through(tmp_path / "in", tmp_path / "out", input_nc=5, save_format="png")


def test_every_16_bit_value_survives_the_networks_range() -> None:
    for text in ("0,65535", "0,4095", "-32768,32767", "100,1100"):
        bounds = parse_range("range_A", text)
        assert bounds is not None
        values = np.arange(bounds.low, bounds.high + 1)
        assert np.array_equal(from_network(to_network(values, bounds), bounds), values)


def test_pages_and_leading_channels_become_channels(tmp_path) -> None:
    array = noise(np.uint16, 20, 24, 5)
    leading = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    tifffile.imwrite(tmp_path / "pages.tif", leading, photometric="minisblack")
    tifffile.imwrite(
        tmp_path / "planes.tif", leading, photometric="minisblack", planarconfig="separate"
    )
    np.save(tmp_path / "last.npy", array)
    np.save(tmp_path / "first.npy", leading)
    expected = torch.from_numpy(to_network(leading, parse_range("range_A", "0,65535")))
    for name in ("pages.tif", "planes.tif", "last.npy", "first.npy"):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (tmp_path / name).rename(folder / name)
        assert torch.equal(dataset(folder, "single", input_nc=5)[0]["A"], expected), name


def test_where_both_ends_could_be_channels_arrays_have_them_last_and_pages_first(tmp_path) -> None:
    array = noise(np.uint16, 5, 24, 5)
    write(tmp_path / "n/a.npy", array)
    assert dataset(tmp_path / "n", "single", input_nc=5)[0]["A"].shape == (5, 5, 24)
    (tmp_path / "t").mkdir()
    tifffile.imwrite(tmp_path / "t/a.tif", array, photometric="minisblack", planarconfig=None)
    assert dataset(tmp_path / "t", "single", input_nc=5)[0]["A"].shape == (5, 24, 5)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_exr_becomes_exr_of_32_bits_or_what_is_asked_for(tmp_path, channels) -> None:
    array = noise(np.float32, 20, 24, channels)
    write_values(tmp_path / "in/a.exr", array)
    out = passed_through(tmp_path / "in", tmp_path / "out", input_nc=channels)
    back = read_array(str(out / "values/a_fake_B.exr"), Values("B", channels))
    assert back.dtype == np.float32
    assert np.abs(back - array).max() <= 2**-23
    flags = {"input_nc": channels, "save_format": "npy"}
    out = passed_through(tmp_path / "in", tmp_path / "npy", **flags)
    assert np.array_equal(np.atleast_3d(np.load(out / "values/a_fake_B.npy")), back)


def test_half_floats_of_exr_are_read(tmp_path) -> None:
    array = noise(np.float32, 20, 24, 3)
    (tmp_path / "in").mkdir()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": array.astype(np.float16)}) as file:
        file.write(str(tmp_path / "in/a.exr"))
    back = read_array(str(tmp_path / "in/a.exr"), Values("A", 3))
    assert np.array_equal(back, array.astype(np.float16))


def test_a_wrong_number_of_channels_is_told_with_what_was_found(tmp_path) -> None:
    write(tmp_path / "a.tif", noise(np.uint16, 20, 24, 5))
    write(tmp_path / "b.tif", noise(np.uint16, 20, 24, 7))
    with pytest.raises(InputError, match="--input_nc 4 does not fit: .*a.tif has 5 channels"):
        dataset(tmp_path, "single", input_nc=4)
    bad = dataset(tmp_path, "single", input_nc=5)[1]
    assert isinstance(bad, BadImage)
    assert "has 7 channels where 5 are needed" in bad.reason


def test_grey_and_colour_become_each_other(tmp_path) -> None:
    grey, colour = noise(np.uint16, 20, 24), noise(np.uint16, 20, 24, 3)
    write(tmp_path / "g/a.png", grey)
    write(tmp_path / "c/a.png", colour)
    three = dataset(tmp_path / "g", "single", input_nc=3)[0]["A"]
    assert torch.equal(three[0], three[2])
    one = dataset(tmp_path / "c", "single", input_nc=1)[0]["A"]
    luminance = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs((one[0].numpy() + 1) * 32767.5 - luminance).max() <= 0.51


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".png", ".exr"])
def test_damaged_files_of_every_format_are_bad_images(tmp_path, suffix) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"\x93NUMPY nothing of the kind" * 3)
    bad = dataset(tmp_path, "single", input_nc=5)[0]
    assert isinstance(bad, BadImage)
    assert "cannot be read as an image" in bad.reason


def test_a_pickle_is_never_loaded(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    bad = dataset(tmp_path, "single", input_nc=1)[0]
    assert isinstance(bad, BadImage)
    assert "allow_pickle=False" in bad.reason


def test_arrays_beside_images_are_passed_over_with_a_note(tmp_path, caplog) -> None:
    write(tmp_path / "a.png", noise(np.uint8, 8, 8))
    write(tmp_path / "a.npy", noise(np.uint16, 8, 8))
    assert [Path(path).name for path in dataset(tmp_path, "single").paths] == ["a.png"]
    assert "1 .npy or .npz files are ignored" in caplog.text


def test_the_cache_keeps_deep_images_and_their_neighbours_apart(tmp_path) -> None:
    for i in range(3):
        write(tmp_path / f"d/trainA/{i}.tif", noise(np.uint16, 20, 24, 5))
        write(tmp_path / f"d/trainB/{i}.png", noise(np.uint8, 20, 24, 3))
    flags = {"input_nc": 5, "preprocess": "resize_and_crop"}
    plain = dataset(tmp_path / "d", "aligned", **flags)
    for _ in range(2):
        cached = dataset(tmp_path / "d", "aligned", cache=str(tmp_path / "cache"), **flags)
        for i in range(3):
            assert torch.equal(cached[i]["A"], plain[i]["A"])
            assert torch.equal(cached[i]["B"], plain[i]["B"])
    assert plain[0]["A"].dtype == torch.float32
    assert plain[0]["B"].dtype == torch.uint8
    other = dataset(
        tmp_path / "d", "aligned", cache=str(tmp_path / "cache"), range_A="0,60000", **flags
    )
    assert not torch.equal(other[0]["A"], plain[0]["A"])


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).T),
        (8, np.rot90),
    ],
)
def test_deep_tiff_stands_upright(tmp_path, orientation, upright) -> None:
    array = noise(np.uint16, 6, 9)
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", extratags=tags)
    image = dataset(tmp_path, "single", input_nc=1)[0]["A"][0].numpy()
    assert np.array_equal(from_network(image, parse_range("range_A", "0,65535")), upright(array))


def test_files_in_tars_are_those_outside(tmp_path) -> None:
    for suffix in (".tif", ".npy", ".png"):
        root = tmp_path / suffix[1:]
        write(root / f"files/test/a{suffix}", noise(np.uint16, 8, 9, 3))
        make_shards(["--dataroot", str(root / "files"), "--out", str(root / "tars")])
        outside, inside = (dataset(root / kind, "single")[0]["A"] for kind in ("files", "tars"))
        assert torch.equal(outside, inside)
        assert outside.dtype == torch.float32


@pytest.mark.parametrize(("package", "suffix"), [("imagecodecs", ".png"), ("OpenEXR", ".exr")])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package, suffix) -> None:
    write(tmp_path / "a.png", noise(np.uint16, 8, 8, 3))
    (tmp_path / "a.png").rename(tmp_path / f"a{suffix}")
    monkeypatch.setitem(sys.modules, package, None)
    bad = dataset(tmp_path, "single", range_A="0,65535")[0]
    assert isinstance(bad, BadImage)
    assert f"pip install {package}" in bad.reason


def test_black_and_white_arrays_are_black_and_white(tmp_path) -> None:
    write(tmp_path / "a.npy", np.eye(8, dtype=bool))
    image = dataset(tmp_path, "single", input_nc=1)[0]["A"]
    assert np.array_equal(image[0].numpy(), np.eye(8, dtype=np.uint8) * 255)
