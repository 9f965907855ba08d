"""Image files of any depth and number of channels, from the file to the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from data_helpers import dataset
from format_helpers import noise, passed_through
from PIL import Image

from data.image_reader import BadImage
from options.ranges import parse_range
from util.errors import InputError
from util.value_files import from_network, to_network

imagecodecs = pytest.importorskip("imagecodecs")
OpenEXR = pytest.importorskip("OpenEXR")


def write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".npz":
        np.savez_compressed(path, image=array, other=1)
    elif path.suffix == ".tif":
        photometric = "rgb" if array.shape[2:] == (3,) else "minisblack"
        planar = "contig" if array.ndim == 3 else None
        tifffile.imwrite(path, array, photometric=photometric, planarconfig=planar)
    elif array.dtype == np.uint16 and array.ndim == 3:
        path.write_bytes(imagecodecs.png_encode(array))
    else:
        Image.fromarray(array).save(path)


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
    with pytest.raises(InputError, match="--save_format png: .* not 5 channels of 0,65535"):
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


def test_half_floats_and_exr_become_float_tiff(tmp_path) -> None:
    array = noise(np.float32, 20, 24, 3)
    (tmp_path / "in").mkdir()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": array}) as file:
        file.write(str(tmp_path / "in/a.exr"))
    out = passed_through(tmp_path / "in", tmp_path / "out")
    back = read(out / "values/a_fake_B.tif")
    assert back.dtype == np.float32
    assert np.abs(back - array).max() <= 2**-23


def test_a_wrong_number_of_channels_is_told_with_what_was_found(tmp_path) -> None:
    write(tmp_path / "a.tif", noise(np.uint16, 20, 24, 7))
    bad = dataset(tmp_path, "single", input_nc=5)[0]
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
    assert "infinite or no numbers" in bad.reason


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".png", ".exr"])
def test_damaged_files_of_every_format_are_bad_images(tmp_path, suffix) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"\x93NUMPY nothing of the kind" * 3)
    bad = dataset(tmp_path, "single", input_nc=5)[0]
    assert isinstance(bad, BadImage)
    assert "cannot be used as an image" in bad.reason


def test_a_pickle_is_never_loaded(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    bad = dataset(tmp_path, "single", input_nc=1)[0]
    assert isinstance(bad, BadImage)
    assert "allow_pickle=False" in bad.reason


def test_arrays_beside_images_are_passed_over_with_a_note(tmp_path, caplog) -> None:
    write(tmp_path / "a.png", noise(np.uint8, 8, 8))
    write(tmp_path / "a.npy", noise(np.uint16, 8, 8))
    assert [Path(path).name for path in dataset(tmp_path, "single").paths] == ["a.png"]
    assert "1 .npy or .npz files are passed over" in caplog.text


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_transparency_is_dropped_or_laid_on_white_or_black(tmp_path, mode) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    image = clear.convert("LA") if mode == "LA" else clear
    if mode == "PA":
        image = Image.new("P", (8, 8), 0)
        image.putpalette([255, 255, 255] * 256)
        image.info["transparency"] = 0
    image.save(tmp_path / "a.png")
    for channels in (1, 3):
        found = {
            alpha: dataset(tmp_path, "single", input_nc=channels, alpha=alpha)[0]["A"]
            for alpha in ("drop", "white", "black")
        }
        assert found["drop"].unique().tolist() == [255]
        assert found["white"].unique().tolist() == [255]
        assert found["black"].unique().tolist() == [0]


def test_transparency_is_a_channel_where_four_are_asked_for(tmp_path) -> None:
    array = noise(np.uint8, 8, 8, 4)
    write(tmp_path / "a.png", array)
    image = dataset(tmp_path, "single", input_nc=4)[0]["A"]
    assert np.array_equal(image.permute(1, 2, 0).numpy(), array)


def test_deep_transparency_is_laid_on_the_ground_too(tmp_path) -> None:
    array = np.full((8, 8, 4), 65535, np.uint16)
    array[..., 3] = 0
    write(tmp_path / "a.png", array)
    black = dataset(tmp_path, "single", alpha="black")[0]["A"]
    assert black.unique().tolist() == [-1]
    assert dataset(tmp_path, "single", alpha="white")[0]["A"].unique().tolist() == [1]


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
