"""scripts/translate.py on files of planes, places and pixel sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.format import noise
from helpers.translator import bare

from scripts import translate
from util.errors import InputError


def run(tmp_path: Path, source: Path, target: Path, channels: int, *flags: str) -> int:
    weights = tmp_path / f"{channels}.pth"
    if not weights.exists():
        bare(weights, channels, channels)
    where = [str(source), str(target), "--weights", str(weights), "--gpu_ids", "-1"]
    return translate.main([*where, *flags])


def test_planar_tiff_is_translated_in_tiles_and_whole_alike(tmp_path) -> None:
    array = noise(np.uint16, 5, 70, 90)
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, array, photometric="minisblack", planarconfig="separate")
    ranges = ("--range_A", "0,65535", "--range_B", "0,65535")
    assert run(tmp_path, source, tmp_path / "whole.tif", 5, *ranges) == 0
    assert run(tmp_path, source, tmp_path / "tiles.tif", 5, *ranges, "--tile", "16") == 0
    whole, tiles = (tifffile.imread(tmp_path / f"{name}.tif") for name in ("whole", "tiles"))
    assert whole.shape == (70, 90, 5)
    assert np.abs(whole.astype(int) - tiles).max() <= 1


def test_one_slice_of_a_stack_becomes_a_pyramid_with_its_pixel_size(tmp_path) -> None:
    said = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    stack = noise(np.uint8, 3, 40, 300)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in/a.ome.tif", stack, ome=True, metadata=said)
    for flags in ((), ("--tile", "64", "--tile_mode", "blend")):
        out = tmp_path / f"out{len(flags)}"
        assert run(tmp_path, tmp_path / "in", out, 1, "--page", "z=1", "--pyramid", *flags) == 0
        with tifffile.TiffFile(out / "a.ome.tif") as file:
            assert [level.shape for level in file.series[0].levels] == [(40, 300), (20, 150)]
            pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
            assert pixels["PhysicalSizeX"] == 0.5


def test_pyramids_of_other_formats_are_refused(tmp_path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(np.uint8, 20, 30))
    with pytest.raises(InputError, match="--pyramid writes TIFF, not b.png"):
        run(tmp_path, tmp_path / "a.tif", tmp_path / "b.png", 1, "--pyramid")


def test_a_note_says_that_a_format_does_not_hold_the_place(tmp_path, capsys) -> None:
    tags = [(33550, 12, 3, (10.0, 10.0, 0.0), True)]
    tifffile.imwrite(tmp_path / "a.tif", noise(np.uint8, 20, 30), extratags=tags)
    assert run(tmp_path, tmp_path / "a.tif", tmp_path / "b.png", 1) == 0
    assert ".png files do not hold the place on the Earth of the inputs" in capsys.readouterr().out
    assert run(tmp_path, tmp_path / "a.tif", tmp_path / "b.tif", 1) == 0
    assert "do not hold" not in capsys.readouterr().out
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].tags[33550].value == (10, 10, 0)


def test_slices_of_nifti_become_tiff_of_their_names(tmp_path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
    (tmp_path / "in").mkdir()
    image = nibabel.Nifti1Image(noise(np.int16, 30, 20, 4), np.diag([0.5, 0.5, 2, 1]))
    nibabel.save(image, tmp_path / "in/brain.nii.gz")
    flags = ("--page", "2", "--range_A=-32768,32767", "--range_B=-32768,32767")
    assert run(tmp_path, tmp_path / "in", tmp_path / "out", 1, *flags) == 0
    with tifffile.TiffFile(tmp_path / "out/brain.tif") as file:
        assert (file.pages[0].shape, file.pages[0].dtype) == ((20, 30), np.int16)
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == (0.5, "mm")


@pytest.mark.parametrize("tile", [(), ("--tile", "16", "--tile_mode", "blend")])
def test_zarr_becomes_tiff_with_its_pixel_size(tmp_path, tile) -> None:
    zarr = pytest.importorskip("zarr", reason="needs zarr")
    more = {"zarr_format": 2} if int(zarr.__version__.split(".")[0]) > 2 else {}
    group = zarr.open_group(str(tmp_path / "in/a.ome.zarr"), mode="w", **more)
    array = noise(np.uint16, 2, 40, 50)
    make = group.create_array if more else group.create_dataset
    make("0", shape=array.shape, dtype=array.dtype, chunks=(1, 16, 16))
    group["0"][...] = array
    steps = [{"type": "scale", "scale": [1, 0.5, 0.25]}]
    axes = [{"name": "c"}, *({"name": name, "unit": "micrometer"} for name in "yx")]
    levels = [{"path": "0", "coordinateTransformations": steps}]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": levels}]
    ranges = ("--range_A", "0,65535", "--range_B", "0,65535")
    assert run(tmp_path, tmp_path / "in", tmp_path / "out", 2, *ranges, *tile) == 0
    with tifffile.TiffFile(tmp_path / "out/a.ome.tif") as file:
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.25, 0.5)
        assert file.asarray().size == array.size
