"""What files say besides their pixels, in results: place on the Earth, pixel size, names of channels, colour profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from helpers.format import noise, passed_through
from PIL import Image, ImageCms
from torch import nn

from models.inference.translate_file import translate_large
from models.tiling import Tiling
from options.types import Range
from scripts.lib.translation.values import FileValues
from util.images.large_write import halve
from util.images.metadata import Placement, read_metadata
from util.images.read import read_array
from util.images.values import Values
from util.images.write import write_values

FLOATS = Range(0.0, 1.0, False)
FIVE = (Values("A", 5, FLOATS), Values("B", 5, FLOATS))
PLAIN = (Values("A", 3), Values("B", 3))


def geotiff(path: Path, *, point: bool = False, **more: object) -> np.ndarray:
    """Writes 40 x 60 pixels of 10 m in five bands; returns (5, 40, 60)."""
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio, an independent reader")
    array = noise(np.float32, 5, 40, 60)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "height": 40,
        "width": 60,
        "count": 5,
        "dtype": "float32",
        "crs": "EPSG:32633",
        "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_600_000),
        "nodata": -1.0,
        **more,
    }
    with rasterio.open(path, "w", driver="GTiff", **profile) as file:
        file.write(array)
        file.update_tags(MISSION="Sentinel-2", **({"AREA_OR_POINT": "Point"} if point else {}))
        file.set_band_description(1, "blue")
    return array


def opened(path: Path):
    import rasterio

    return rasterio.open(path)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_results_of_geotiff_lie_where_their_inputs_do(tmp_path, interleave) -> None:
    array = geotiff(tmp_path / "in/a.tif", interleave=interleave)
    out = passed_through(tmp_path / "in", tmp_path / "out", input_nc=5)
    with opened(tmp_path / "in/a.tif") as wanted, opened(out / "values/a_fake_B.tif") as found:
        assert (found.crs, found.transform) == (wanted.crs, wanted.transform)
        assert (found.nodata, found.tags()["MISSION"]) == (-1, "Sentinel-2")
        assert found.count == 5
        assert not any(found.descriptions)  # those of the input's bands
        assert np.allclose(found.read(), array, atol=2**-23)


@pytest.mark.parametrize("point", [False, True])
@pytest.mark.parametrize("rotated", [False, True])
def test_resizing_and_cropping_move_the_place_along(tmp_path, point, rotated) -> None:
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio, an independent reader")
    turn = (8, 6, 500_000, 6, -8, 5_600_000) if rotated else (10, 0, 500_000, 0, -10, 5_600_000)
    transform = rasterio.Affine(*turn)
    geotiff(tmp_path / "in/a.tif", point=point, transform=transform)
    found = read_metadata(str(tmp_path / "in/a.tif"))
    assert found
    moved = found.placed(Placement((80, 90), top=7, left=11))
    write_values(tmp_path / "b.tif", np.zeros((30, 40, 1), np.float32), moved)
    with opened(tmp_path / "b.tif") as file:
        # Rows become twice as many, columns one and a half times as many.
        for column, row in ((0, 0), (40, 30)):
            wanted = place(transform, (column + 11) / 1.5, (row + 7) / 2)
            assert np.allclose(place(file.transform, column, row), wanted, atol=1e-6)
        assert file.tags()["AREA_OR_POINT"] == ("Point" if point else "Area")


def place(transform, column: float, row: float) -> np.ndarray:
    return np.array(transform[:6]).reshape(2, 3) @ (column, row, 1)


def test_a_test_that_resizes_scales_the_pixels_of_the_ground(tmp_path) -> None:
    geotiff(tmp_path / "in/a.tif")
    flags = {"input_nc": 5, "preprocess": "resize_and_crop", "load_size": 20, "crop_size": 20}
    out = passed_through(tmp_path / "in", tmp_path / "out", **flags)
    with opened(tmp_path / "in/a.tif") as wanted, opened(out / "values/a_fake_B.tif") as found:
        assert (found.width, found.height) == (20, 20)
        assert found.res == (30, 20)
        assert found.bounds == wanted.bounds


def test_no_data_values_that_the_result_cannot_hold_are_left_out(tmp_path) -> None:
    geotiff(tmp_path / "a.tif", nodata=float("nan"))
    found = read_metadata(str(tmp_path / "a.tif"))
    write_values(tmp_path / "b.tif", np.zeros((40, 60, 1), np.uint16), found)
    with opened(tmp_path / "b.tif") as file:
        assert file.nodata is None
        assert file.crs == "EPSG:32633"


@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("pyramid", [False, True])
def test_translated_files_keep_their_place_in_tiles_too(tmp_path, tile, pyramid) -> None:
    array = geotiff(tmp_path / "a.tif")
    translate(tmp_path / "a.tif", tmp_path / "b.tif", FIVE, tile, pyramid)
    with opened(tmp_path / "a.tif") as wanted, opened(tmp_path / "b.tif") as found:
        assert (found.crs, found.transform) == (wanted.crs, wanted.transform)
        assert found.tags()["MISSION"] == "Sentinel-2"
        assert np.allclose(found.read(), array, atol=2**-23)


def translate(
    source: Path, target: Path, values: tuple[Values, Values], tile: int, pyramid: bool = False
) -> None:
    """Writes the file as scripts/translate.py does with a network that changes nothing."""
    files = FileValues(*values, pyramid)
    if tile:
        inputs, outputs = values
        how = {"inputs": inputs, "outputs": outputs, "pyramid": pyramid}
        network = nn.Conv2d(inputs.channels, inputs.channels, 1, bias=False)
        nn.init.dirac_(network.weight)
        translate_large(network, source, target, Tiling(tile, "blend"), **how)
    else:
        files.write(str(source), target, files.read(str(source)).image)


@pytest.mark.parametrize("tile", [0, 256])
def test_pyramids_of_geotiff_are_overviews(tmp_path, tile) -> None:
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio, an independent reader")
    array = noise(np.float32, 900, 700)
    where = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5.6e6)}
    profile = {"height": 900, "width": 700, "count": 1, "dtype": "float32", **where}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **profile) as file:
        file.write(array, 1)
    values = Values("A", 1, FLOATS), Values("B", 1, FLOATS)
    translate(tmp_path / "a.tif", tmp_path / "b.tif", values, tile, pyramid=True)
    with opened(tmp_path / "b.tif") as file:
        assert file.overviews(1) == [2, 4]
        assert file.block_shapes == [(256, 256)]
        assert (file.crs, file.transform) == (where["crs"], where["transform"])
        assert np.allclose(file.read(1), array, atol=2**-23)
    with rasterio.open(tmp_path / "b.tif", overview_level=0) as file:
        assert np.allclose(file.read(1), halve(array), atol=2**-22)


@pytest.mark.parametrize("tile", [0, 256])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_other_pyramids_are_ome_tiff_with_the_pixel_size(tmp_path, tile, channels) -> None:
    array = noise(np.uint16, 600, 530, *[channels][: channels > 1])
    names = ["DAPI", "GFP", "RFP", "Cy5"][:channels]
    said = {
        "PhysicalSizeX": 0.25,
        "PhysicalSizeY": 0.5,
        "PhysicalSizeXUnit": "\u00b5m",
        "PhysicalSizeYUnit": "\u00b5m",
        "Channel": {"Name": names},
        "axes": "CYX"[3 - array.ndim :],
    }
    planes = np.moveaxis(array, -1, 0) if channels > 1 else array
    tifffile.imwrite(tmp_path / "a.tif", planes, ome=True, photometric="minisblack", metadata=said)
    values = tuple(Values(side, channels, Range(0, 65535, True)) for side in "AB")
    translate(tmp_path / "a.tif", tmp_path / "b.ome.tif", values, tile, pyramid=True)
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert file.is_ome
        (series,) = file.series
        assert [level.shape[:2] for level in series.levels] == [(600, 530), (300, 265), (150, 133)]
        assert np.array_equal(series.asarray(), array)
        assert np.array_equal(series.levels[1].asarray(), halve(array))
        assert file.pages[0].is_tiled
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.25, 0.5)
    assert pixels["PhysicalSizeXUnit"] == "\u00b5m"
    assert read_array(str(tmp_path / "b.ome.tif"), Values("B", channels)).shape == (
        600,
        530,
        channels,
    )


def test_pixels_without_data_do_not_count_in_smaller_versions() -> None:
    floats = np.array([[1, np.nan], [3, np.nan], [np.nan, np.nan], [np.nan, np.nan]], np.float32)
    assert np.array_equal(halve(floats), np.array([[2], [np.nan]]), equal_nan=True)
    numbers = np.array([[1, 0, 8], [4, 0, 8], [0, 0, 9]], np.uint16)
    assert halve(numbers, 0).tolist() == [[2, 8], [0, 9]]
    assert halve(numbers).tolist() == [[1, 8], [0, 9]]


def test_ome_results_have_the_pixel_size_and_the_names_of_channels(tmp_path) -> None:
    array = noise(np.uint16, 2, 30, 40)
    said = {
        "axes": "CYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 0.5,
        "Channel": {"Name": ["a", "b"]},
    }
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in/x.ome.tif", array, ome=True, metadata=said)
    flags = {"input_nc": 2, "preprocess": "resize_and_crop", "load_size": 15, "crop_size": 15}
    out = passed_through(tmp_path / "in", tmp_path / "out", **flags)
    with tifffile.TiffFile(out / "values/x.ome_fake_B.tif") as file:
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert file.series[0].shape == (2, 15, 15)
    assert pixels["PhysicalSizeX"] == pytest.approx(0.5 * 40 / 15)
    assert pixels["PhysicalSizeY"] == 1
    assert [channel["Name"] for channel in pixels["Channel"]] == ["a", "b"]


def test_one_channel_of_a_stack_has_its_own_name(tmp_path) -> None:
    said = {"axes": "CYX", "Channel": {"Name": ["phase", "GFP"]}}
    tifffile.imwrite(tmp_path / "x.tif", noise(np.uint8, 2, 8, 8), ome=True, metadata=said)
    found = read_metadata(str(tmp_path / "x.tif"), "c=1")
    assert found
    assert found.channels == ("GFP",)


@pytest.mark.parametrize("tile", [0, 16])
def test_imagej_calibration_survives(tmp_path, tile) -> None:
    array = noise(np.uint16, 30, 40)
    how = {"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}
    tifffile.imwrite(tmp_path / "a.tif", array, **how)
    values = tuple(Values(side, 1, Range(0, 65535, True)) for side in "AB")
    translate(tmp_path / "a.tif", tmp_path / "b.tif", values, tile)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert np.array_equal(file.asarray(), array)
        if tile:  # tiles are no kind of ImageJ's TIFF
            pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
            assert pixels["PhysicalSizeX"] == 0.25
        else:
            assert file.imagej_metadata["unit"] == "um"
            assert file.pages[0].get_resolution() == (4, 4)


@pytest.mark.parametrize("tile", [0, 16])
def test_descriptions_of_plain_tiff_survive(tmp_path, tile) -> None:
    how = {"photometric": "rgb", "description": "exposure 20 ms", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", noise(np.uint8, 30, 40, 3), **how)
    translate(tmp_path / "a.tif", tmp_path / "b.tif", PLAIN, tile)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].description == "exposure 20 ms"


def test_bands_that_are_chosen_keep_their_own_names(tmp_path) -> None:
    said = {"axes": "CYX", "Channel": {"Name": ["blue", "green", "red"]}}
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in/a.tif", noise(np.uint16, 3, 8, 8), ome=True, metadata=said)
    out = passed_through(tmp_path / "in", tmp_path / "out", input_nc=2, bands_A="3,1")
    found = read_metadata(str(out / "values/a_real.tif"))
    assert found
    assert found.channels == ("red", "blue")


def test_the_resolution_of_plain_tiff_survives_and_is_scaled(tmp_path) -> None:
    array = noise(np.uint8, 30, 40, 3)
    how = {"photometric": "rgb", "resolution": (300, 150), "resolutionunit": "INCH"}
    tifffile.imwrite(tmp_path / "a.tif", array, **how)
    translate(tmp_path / "a.tif", tmp_path / "b.tif", PLAIN, 0)
    with Image.open(tmp_path / "b.tif") as file:
        assert file.info["dpi"] == (300, 150)
        assert np.array_equal(np.asarray(file), array)
    found = read_metadata(str(tmp_path / "a.tif"))
    assert found
    assert found.at_size((15, 80)).resolution == (600, 75, 2)


@pytest.mark.parametrize("target", ["b.png", "b.jpg", "b.tif", "b.webp"])
def test_colour_profiles_survive_where_results_have_as_many_channels(tmp_path, target) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(noise(np.uint8, 20, 30, 3))
    picture.save(tmp_path / "a.png", icc_profile=profile)
    translate(tmp_path / "a.png", tmp_path / target, PLAIN, 0)
    with Image.open(tmp_path / target) as file:
        assert file.info["icc_profile"] == profile
    grey = FileValues(Values("A", 3), Values("B", 1))
    grey.write(str(tmp_path / "a.png"), tmp_path / target, torch.zeros(1, 20, 30))
    with Image.open(tmp_path / target) as file:
        assert not file.info.get("icc_profile")


@pytest.mark.parametrize("bits", [8, 16])
def test_the_gamma_of_png_survives(tmp_path, bits) -> None:
    from util.images.metadata import gamma_chunk

    array = noise(np.uint16 if bits == 16 else np.uint8, 20, 30)
    Image.fromarray(array).save(tmp_path / "a.png", pnginfo=gamma_chunk(0.5))
    values = tuple(Values(side, 1, Range(0, 2**bits - 1, True)) for side in "AB")
    translate(tmp_path / "a.png", tmp_path / "b.png", values, 0)
    with Image.open(tmp_path / "b.png") as file:
        assert file.info["gamma"] == 0.5
        assert np.array_equal(np.asarray(file), array)


def test_a_file_that_says_nothing_changes_no_bit_of_its_result(tmp_path) -> None:
    Image.fromarray(noise(np.uint8, 20, 30, 3)).save(
        tmp_path / "a.png", compress_level=1, compress_type=3
    )
    translate(tmp_path / "a.png", tmp_path / "b.png", PLAIN, 0)
    assert read_metadata(str(tmp_path / "a.png")) is None
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pixel_sizes_of_dicom_and_nifti_are_known(tmp_path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
    image = nibabel.Nifti1Image(noise(np.int16, 24, 20, 3), np.diag([0.5, 2, 3, 1]))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "a.nii")
    found = read_metadata(str(tmp_path / "a.nii"), "z=1")
    assert found
    assert (found.size, found.pixel_size, found.unit) == ((20, 24), (0.5, 2.0), "mm")


def test_damaged_descriptions_are_left_out(tmp_path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "b">]><GDALMetadata><Item name="x">&b;</Item></GDALMetadata>'
    for text in (bomb, "<GDALMetadata", "<a/>"):
        tags = [(42112, 2, 0, text, True), (33550, 12, 3, (1.0, 1.0, 0.0), True)]
        tifffile.imwrite(tmp_path / "a.tif", noise(np.uint8, 8, 8), extratags=tags)
        found = read_metadata(str(tmp_path / "a.tif"))
        assert found
        assert list(found.of_result(Values("B", 1)).geo) == [33550]
