"""Files of several planes: pages and axes of TIFF, DICOM, NIfTI and Zarr."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.data import dataset
from helpers.format import noise

from data.checks.values import header_findings
from util.errors import InputError
from util.images.large_read import open_large
from util.images.read import BadImage, read_array, read_values
from util.images.stacks import select_page
from util.images.values import Values, from_network

STACK = noise(np.uint16, 2, 3, 20, 24)  # (C, Z, Y, X)


def write_ome(path: Path) -> None:
    tifffile.imwrite(path, STACK, ome=True, photometric="minisblack", metadata={"axes": "CZYX"})


def write_imagej(path: Path) -> None:
    tifffile.imwrite(path, np.swapaxes(STACK, 0, 1), imagej=True, metadata={"axes": "ZCYX"})


def grey(path: Path, page: str) -> np.ndarray:
    return read_array(str(path), Values("A", 1, page=page))[..., 0]


@pytest.mark.parametrize("kind", [write_ome, write_imagej])
def test_pages_are_chosen_along_the_axes_that_a_file_names(tmp_path, kind) -> None:
    kind(tmp_path / "a.tif")
    assert np.array_equal(grey(tmp_path / "a.tif", "c=1,z=2"), STACK[1, 2])
    both = read_array(str(tmp_path / "a.tif"), Values("A", 2, page="z=1"))
    assert np.array_equal(both, np.moveaxis(STACK[:, 1], 0, -1))


def test_a_number_counts_pages_through_series_of_different_sizes(tmp_path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(STACK[0], photometric="minisblack")
        file.write(STACK[1, :2, :9], photometric="minisblack")
    assert np.array_equal(grey(tmp_path / "a.tif", "2"), STACK[0, 2])
    assert np.array_equal(grey(tmp_path / "a.tif", "4"), STACK[1, 1, :9])
    with pytest.raises(ValueError, match="holds 5 pages, so there is no --page 5"):
        grey(tmp_path / "a.tif", "5")


def test_a_page_that_is_not_there_makes_a_bad_image_that_says_how_many_there_are(tmp_path) -> None:
    write_ome(tmp_path / "a.tif")
    for page, text in (("6", "holds 6 pages"), ("z=3", "has 3 along z"), ("t=1", "has 1 along t")):
        with pytest.raises(BadImage, match=f"a.tif: {text}"):
            read_values(str(tmp_path / "a.tif"), Values("A", 1, page=page))


def test_formats_of_one_plane_have_page_0_alone(tmp_path) -> None:
    np.save(tmp_path / "a.npy", STACK[0, 0])
    assert np.array_equal(grey(tmp_path / "a.npy", "0"), STACK[0, 0])
    with pytest.raises(ValueError, match="holds 1 page, so there is no --page 1"):
        grey(tmp_path / "a.npy", "1")


def test_both_sides_of_a_pair_may_be_channels_of_the_same_kind_of_file(tmp_path) -> None:
    for folder in ("trainA", "trainB"):
        (tmp_path / folder).mkdir()
        write_ome(tmp_path / folder / "a.ome.tif")
    flags = {"input_nc": 1, "output_nc": 1, "page": "c=0,z=1;c=1,z=1"}
    data = dataset(tmp_path, "aligned", **flags)
    for side, channel in (("A", 0), ("B", 1)):
        values = from_network(data[0][side].numpy()[0], data.values[side].bounds)
        assert np.array_equal(values, STACK[channel, 1])


@pytest.mark.parametrize("page", ["x=1", "1.5", "-1", "z", "z=1;y=2"])
def test_what_is_no_page_is_refused(page) -> None:
    from options.types import pages_of

    with pytest.raises(ValueError, match="--page .* is neither a number"):
        pages_of(page)


LAYOUTS = {
    "strips": {},
    "compressed strips": {"compression": "zlib", "rowsperstrip": 7},
    "tiles": {"tile": (16, 16)},
    "compressed tiles": {"tile": (16, 16), "compression": "zlib"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_planar_tiff_is_read_in_parts_as_it_is_read_whole(tmp_path, layout, dtype) -> None:
    array = noise(dtype, 5, 40, 50)
    path = tmp_path / "a.tif"
    how = LAYOUTS[layout]
    tifffile.imwrite(path, array, photometric="minisblack", planarconfig="separate", **how)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].planarconfig == 2
    assert np.array_equal(read_array(str(path), Values("A", 5)), np.moveaxis(array, 0, -1))
    with open_large(path, Values("A", 5)) as image:
        rows, columns = slice(3, 37), slice(11, 50)
        assert np.array_equal(
            image.pixels(rows, columns), np.moveaxis(array[:, rows, columns], 0, -1)
        )


def test_parts_of_stacks_are_those_of_the_chosen_page_or_of_pages_that_are_channels(
    tmp_path,
) -> None:
    write_ome(tmp_path / "a.tif")
    rows, columns = slice(2, 9), slice(0, 24)
    with open_large(tmp_path / "a.tif", Values("A", 1, page="c=1,z=0")) as image:
        assert np.array_equal(image.pixels(rows, columns)[..., 0], STACK[1, 0, rows])
    tifffile.imwrite(tmp_path / "b.tif", STACK[0], photometric="minisblack")
    with open_large(tmp_path / "b.tif", Values("A", 3)) as image:
        assert np.array_equal(image.pixels(rows, columns), np.moveaxis(STACK[0, :, rows], 0, -1))


def write_dicom(path: Path, frames: np.ndarray, **tags: object) -> None:
    """Writes (F, H, W) uint16 as DICOM."""
    pydicom = pytest.importorskip("pydicom", reason="needs pydicom")
    header = pydicom.dataset.FileMetaDataset()
    header.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    header.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    header.MediaStorageSOPInstanceUID = "1.2.3"
    ds = pydicom.Dataset()
    ds.file_meta = header
    ds.SOPClassUID, ds.SOPInstanceUID = header.MediaStorageSOPClassUID, "1.2.3"
    ds.Rows, ds.Columns = frames.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    if len(frames) > 1:
        ds.NumberOfFrames = len(frames)
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.PixelData = frames.astype("<u2").tobytes()
    ds.save_as(path, enforce_file_format=True)


def test_dicom_is_read_in_rescaled_units(tmp_path) -> None:
    counts = STACK[0, :1] // 16
    write_dicom(tmp_path / "a.dcm", counts, RescaleSlope=1, RescaleIntercept=-1024)
    units = grey(tmp_path / "a.dcm", "")
    assert units.dtype == np.int32
    assert np.array_equal(units, counts[0].astype(int) - 1024)
    data = dataset(tmp_path, "single", input_nc=1, range_A="-1024,3071")
    assert np.array_equal(from_network(data[0]["A"][0].numpy(), data.values["A"].bounds), units)
    with pytest.raises(InputError, match=r"a.dcm has values from .* declare .*--range_A=-1024"):
        dataset(tmp_path, "single", input_nc=1)
    write_dicom(tmp_path / "b.dcm", counts, RescaleSlope=0.5, RescaleIntercept=0)
    assert np.array_equal(grey(tmp_path / "b.dcm", ""), (counts[0] / 2).astype(np.float32))


def test_frames_of_dicom_are_pages(tmp_path) -> None:
    write_dicom(tmp_path / "a.dcm", STACK[0])
    assert np.array_equal(grey(tmp_path / "a.dcm", "2"), STACK[0, 2])
    with pytest.raises(ValueError, match=r"holds 3 slices: --page takes one of them"):
        grey(tmp_path / "a.dcm", "")


def test_inverted_dicom_keeps_its_numbers(tmp_path) -> None:
    write_dicom(tmp_path / "a.dcm", STACK[0, :1], PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(grey(tmp_path / "a.dcm", ""), STACK[0, 0])


def test_slices_of_several_depths_are_found(tmp_path) -> None:
    write_dicom(tmp_path / "a.dcm", STACK[0])
    write_dicom(tmp_path / "b.dcm", STACK[0], RescaleSlope=1, RescaleIntercept=-1024)
    data = dataset(tmp_path, "single", input_nc=1, range_A="0,65535", page="1")
    (found,) = header_findings(data, data.listed[tmp_path], "images")
    assert "of several depths" in found.text


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_slices_of_nifti_are_pages_in_scaled_units(tmp_path, suffix) -> None:
    nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
    volume = noise(np.int16, 24, 20, 3)  # (x, y, z)
    image = nibabel.Nifti1Image(volume, np.eye(4))
    nibabel.save(image, tmp_path / f"a{suffix}")
    path = Path(dataset(tmp_path, "single", input_nc=1, page="z=1").paths[0])
    assert path.name == f"a{suffix}"
    for page in ("1", "z=1"):
        assert np.array_equal(grey(path, page), volume[..., 1].T)
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "scaled.nii")
    scaled = nibabel.load(tmp_path / "scaled.nii").get_fdata()[..., 2].T
    assert np.allclose(grey(tmp_path / "scaled.nii", "2"), scaled)
    with pytest.raises(ValueError, match=r"holds 3 slices"):
        grey(path, "")


def write_ome_zarr(folder: Path) -> None:
    """Writes a version 0.4 image of two levels by hand, with zarr's arrays in it."""
    zarr = pytest.importorskip("zarr", reason="needs zarr")
    more = {"zarr_format": 2} if int(zarr.__version__.split(".")[0]) > 2 else {}
    group = zarr.open_group(str(folder), mode="w", **more)
    for name, array in (("0", STACK), ("1", STACK[..., ::2, ::2])):
        chunks = (1, 1, 16, 16)
        if more:
            group.create_array(name, shape=array.shape, dtype=array.dtype, chunks=chunks)
        else:
            group.create_dataset(name, shape=array.shape, dtype=array.dtype, chunks=chunks)
        group[name][...] = array
    axes = [{"name": name} for name in "czyx"]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}, {"path": "1"}]}]


def test_ome_zarr_is_an_image_whose_axes_are_chosen_by_name(tmp_path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr")
    data = dataset(tmp_path, "single", input_nc=2, page="z=1")
    assert [Path(path).name for path in data.paths] == ["a.ome.zarr"]
    wanted = STACK[:, 1]
    assert np.array_equal(from_network(data[0]["A"].numpy(), data.values["A"].bounds), wanted)
    with open_large(tmp_path / "a.ome.zarr", Values("A", 2, page="z=1")) as image:
        part = image.pixels(slice(3, 18), slice(5, 24))
    assert np.array_equal(part, np.moveaxis(wanted[:, 3:18, 5:24], 0, -1))


def test_zarr_that_would_unpickle_or_fill_the_memory_is_refused(tmp_path) -> None:
    write_ome_zarr(tmp_path / "a.zarr")
    file = tmp_path / "a.zarr/0/.zarray"
    good = json.loads(file.read_text())
    for change, text in (
        ({"filters": [{"id": "pickle"}]}, "pickled objects"),
        ({"shape": [2, 3, 100_000, 100_000]}, "made to fill the memory"),
        ({"chunks": [1, 1, 100_000, 100_000]}, "made to fill the memory"),
    ):
        file.write_text(json.dumps(good | change))
        with pytest.raises(BadImage, match=text):
            read_values(str(tmp_path / "a.zarr"), Values("A", 2, page="z=1"))


@pytest.mark.parametrize("name", ["a.dcm", "a.nii", "a.nii.gz", "a.tif"])
def test_damaged_stacks_are_bad_images(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind" * 30)
    with pytest.raises(BadImage, match="cannot be read as an image"):
        read_values(str(tmp_path / name), Values("A", 1, page="0"))


def test_a_number_counts_planes_in_the_order_of_the_file() -> None:
    shape, axes = (2, 3, 20, 24), "CZYX"
    planes = [select_page(shape, axes, str(i))[:2] for i in range(6)]
    assert planes == [(c, z) for c in range(2) for z in range(3)]
