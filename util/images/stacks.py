"""Files of several planes, and one plane of them: TIFF and OME-TIFF, DICOM, NIfTI, Zarr."""

from __future__ import annotations

import io
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from options.types import parse_page
from util.images.packages import image_package
from util.images.values import Unfit

Source = str | io.BytesIO  # a file's path, or the content of an image in a tar
ORIENTATION = 274  # a TIFF and EXIF tag; from 5 on an image lies on its side
UPRIGHT = {  # orientation -> quarter turns, and whether to mirror left to right after them
    2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip
LARGE = 64 << 20  # bytes of pixels up to which any file may unpack
PACKED = 200  # how many times its size a file may unpack to beyond that; photographs stay below 60
IN_PLANE = "YXS"  # axes of a picture: rows, columns, samples of a pixel
ZARR_METADATA = (".zarray", ".zmetadata", "zarr.json")


class Pixels(NamedTuple):
    """The content of a file.

    Attributes:
        array: (H, W), (H, W, C), (C, H, W) or more dimensions, in the file's type.
        transparent: whether its last channel says how opaque it is.
        pages: whether channels, if there are three dimensions, come first.
    """

    array: np.ndarray
    transparent: bool = False
    pages: bool = False


def check_unpacked(source: Source, unpacked: int, packed: int = 0, most: int = PACKED) -> None:
    """Refuses small files that unpack to so much that they can only be meant to fill the memory.

    Args:
        unpacked: bytes of all pixels. packed: bytes of the part of the file that holds them; 0 for the whole file.
        most: how many times as much a file may unpack to.
    Raises: ValueError.
    """
    if unpacked <= LARGE:
        return
    whole = os.path.getsize(source) if isinstance(source, str) else len(source.getbuffer())
    packed = packed or whole
    if unpacked > most * packed:
        raise ValueError(
            f"its {packed / 1e6:.2g} MB would unpack to {unpacked / 1e6:.0f} MB, more than {most} times as much, as "
            "in files that are made to fill the memory: if it is a real image, save it uncompressed or cut it up"
        )


def select_page(shape: Sequence[int], axes: str, page: str) -> tuple[int | slice, ...]:
    """Finds the part of a stack that --page asks for, as an index of its array.

    A number counts the planes in the order of the file; letters such as z=3,c=0 choose along axes, and keep the others.

    Args:
        axes: a letter for each dimension: Y, X, S (samples), C, Z, T, or what the format calls them.
    Raises: Unfit where there is no such page.
    """
    index: list[int | slice] = [slice(None)] * len(shape)
    for name, number in parse_page(page).items():
        leading = [i for i, axis in enumerate(axes) if axis not in IN_PLANE]
        if not name:
            counts = [shape[i] for i in leading]
            if number >= int(np.prod(counts, dtype=np.int64)):
                held = int(np.prod(counts, dtype=np.int64))
                raise Unfit(
                    f"holds {held} page{'s' if held != 1 else ''}, so there is no --page {number}"
                )
            for i, place in zip(leading, np.unravel_index(number, counts or (1,)), strict=False):
                index[i] = int(place)
            continue
        axis = axes.find(name.upper())
        if axis < 0 and name == "c":
            axis = axes.find("S")
        if axis < 0 and number == 0:
            continue
        if axis < 0 or number >= shape[axis]:
            held = shape[axis] if axis >= 0 else 1
            raise Unfit(
                f"has {held} along {name}, so there is no --page {name}={number} (numbers begin at 0)"
            )
        index[axis] = number
    return tuple(index)


def left_axes(axes: str, index: Sequence[int | slice]) -> str:
    """The axes that an index keeps."""
    return "".join(axis for axis, at in zip(axes, index, strict=True) if isinstance(at, slice))


def refuse_page(page: str) -> None:
    """Checks --page for a format of one plane. Raises: Unfit."""
    select_page((), "", page)


def read_tiff(source: Source, page: str = "") -> Pixels | None:
    """Reads a TIFF file; None where Pillow has to: palettes, colour spaces, compressions that are not built in."""
    with image_package("tifffile").TiffFile(source) as file:
        series, index = choose_series(file, page)
        first = series.keyframe
        numbers = page_numbers(series, index)
        planes = series.nbytes if numbers is None else numbers.size * first.nbytes
        check_unpacked(source, planes)
        if getattr(first, "photometric", 1) not in (0, 1, 2):  # palettes, CMYK, YCbCr ...
            return None
        try:
            array = _planes(series, index, numbers)
        except ValueError:  # a compression that is not built in
            return None
        axes = left_axes(series.axes, index)
        orientation = first.tags.get(ORIENTATION)
        extra = [int(kind) for kind in getattr(first, "extrasamples", ())]
        inverted = first.photometric == 0 and first.dtype.kind == "u"
    last = axes.endswith("S")
    if inverted:  # white is zero
        array = np.iinfo(array.dtype).max - array
    if orientation and orientation.value in UPRIGHT:
        turns, mirrored = UPRIGHT[orientation.value]
        rows = -3 if last else -2
        array = np.rot90(array, turns, (rows, rows + 1))
        array = np.flip(array, rows + 1) if mirrored else array
    pages = array.ndim == 3 and not last
    return Pixels(array, transparent=last and extra in ([1], [2]), pages=pages)


def choose_series(file: Any, page: str) -> tuple[Any, tuple[int | slice, ...]]:
    """Finds the series of pages of a TIFF file, and the part of it, that --page asks for.

    A number goes on from one series of equal pages to the next. Raises: Unfit.
    """
    number = parse_page(page).get("")
    if number is None or len(file.series) == 1:
        return file.series[0], select_page(file.series[0].shape, file.series[0].axes, page)
    left = number
    for series in file.series:
        leading = [
            n for n, axis in zip(series.shape, series.axes, strict=True) if axis not in IN_PLANE
        ]
        count = int(np.prod(leading, dtype=np.int64))
        if left < count:
            return series, select_page(series.shape, series.axes, str(left))
        left -= count
    raise Unfit(f"holds {number - left} pages, so there is no --page {number}")


def page_numbers(series: Any, index: Sequence[int | slice]) -> np.ndarray | None:
    """The numbers of the series' pages that an index takes, or None where planes are not pages of their own."""
    own = len(series.keyframe.shape)
    leading = series.shape[: len(series.shape) - own]
    fits = series.shape[len(leading) :] == series.keyframe.shape
    if not fits or np.prod(leading, dtype=np.int64) != len(series.pages):
        return None
    if any(isinstance(at, int) for at in index[len(leading) :]):
        return None
    numbers = np.arange(len(series.pages)).reshape(leading)
    return np.asarray(numbers[tuple(index[: len(leading)])])


def _planes(series: Any, index: tuple[int | slice, ...], numbers: np.ndarray | None) -> np.ndarray:
    if numbers is None or numbers.size == len(series.pages):
        return series.asarray()[index]
    pages = [series.pages[int(number)].asarray() for number in numbers.ravel()]
    return np.stack(pages).reshape(*numbers.shape, *series.keyframe.shape)


def read_dicom(source: Source, page: str = "") -> Pixels:
    """Reads a DICOM image, or a frame of one, with its rescale slope and intercept applied (PS3.3 C.7.6.16.2.9).

    Whole slopes and intercepts give int32, others float32. Raises: whatever pydicom finds wrong with it.
    """
    pydicom = image_package("pydicom")
    with warnings.catch_warnings():  # remarks on odd but readable files
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(source, stop_before_pixels=True)
        frames = int(header.get("NumberOfFrames") or 1)
        samples = int(header.get("SamplesPerPixel") or 1)
        shape = (frames, int(header.Rows), int(header.Columns), samples)
        depth = int(header.BitsAllocated) // 8 or 1
        check_unpacked(source, int(np.prod(shape, dtype=np.int64)) * depth)
        if not isinstance(source, str):
            source.seek(0)
        array = pydicom.dcmread(source).pixel_array.reshape(shape)
    slope, intercept = (
        float(header.get(name, default))
        for name, default in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    if (slope, intercept) != (1, 0):
        whole = slope.is_integer() and intercept.is_integer() and array.dtype.itemsize <= 2
        array = (array.astype(np.float64) * slope + intercept).astype(
            np.int32 if whole else np.float32
        )
    return _one_picture(array[select_page(shape, "ZYXS", page)])


def read_nifti(source: Source, page: str = "") -> Pixels:
    """Reads a slice of a NIfTI image in its scaled values; rows are its second axis, columns its first.

    Raises: whatever nibabel finds wrong with it.
    """
    if not isinstance(source, str):
        raise ValueError("NIfTI files are not read from tars")
    image = image_package("nibabel").load(source)
    shape = image.shape
    index = select_page(shape, "XYZTC567"[: len(shape)], page)
    taken = [n for n, at in zip(shape, index, strict=True) if isinstance(at, slice)]
    if len(taken) < 2:
        raise ValueError(f"holds values of shape {shape}: heights and widths are needed")
    check_unpacked(source, int(np.prod(taken, dtype=np.int64)) * 8)
    array = np.asarray(image.dataobj[index])
    if array.dtype == np.float64:  # what scaling makes of any type
        array = array.astype(np.float32)
    return _one_picture(array.T[..., None])


def open_zarr(folder: str) -> tuple[Any, str, int]:
    """Opens the array of a Zarr folder, of OME-Zarr the finest level.

    Returns: the array, a letter for each of its axes, and the bytes of the folder's files.
    Raises: ValueError for one that would fill the memory or run code.
    """
    stored = _check_zarr(Path(folder))
    zarr = image_package("zarr")
    found = zarr.open(folder, mode="r")
    axes = ""
    if not hasattr(found, "shape"):  # a group
        attributes = dict(found.attrs)
        scales = attributes.get("multiscales") or attributes.get("ome", {}).get("multiscales")
        if scales:
            names = [
                axis["name"] if isinstance(axis, dict) else axis
                for axis in scales[0].get("axes", ())
            ]
            axes, name = "".join(names).upper(), scales[0]["datasets"][0]["path"]
        else:
            names = sorted(found.array_keys())
            if "image" not in names and len(names) != 1:
                raise ValueError(
                    f"holds arrays called {', '.join(names)}: one is needed, or one called image"
                )
            name = "image" if "image" in names else names[0]
        found = found[name]
    if np.dtype(found.dtype).kind not in "buif":
        raise ValueError(f"holds values of type {found.dtype}")
    if 0 in found.shape:
        raise ValueError(f"holds no pixels, but an array of shape {found.shape}")
    if len(axes) != len(found.shape):
        axes = "TCZYX"[-len(found.shape) :]
    check_unpacked(
        folder, int(np.prod(found.chunks, dtype=np.int64)) * found.dtype.itemsize, stored
    )
    return found, axes, stored


def _check_zarr(folder: Path) -> int:
    """Counts the bytes of a Zarr folder. Raises: ValueError where reading it would unpickle."""
    stored = 1
    for parent, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(parent, name)
            stored += os.path.getsize(file)
            if name in ZARR_METADATA:
                with open(file, encoding="utf-8") as text:
                    if "pickle" in json.dumps(json.load(text)).lower():
                        raise ValueError("holds pickled objects, which could run any code")
    return stored


def read_zarr(source: Source, page: str = "") -> Pixels:
    """Reads a picture of a Zarr folder. Raises: whatever zarr finds wrong with it."""
    if not isinstance(source, str):
        raise ValueError("Zarr folders are not read from tars")
    found, axes, stored = open_zarr(source)
    index = select_page(found.shape, axes, page)
    taken = [n for n, at in zip(found.shape, index, strict=True) if isinstance(at, slice)]
    check_unpacked(source, int(np.prod(taken, dtype=np.int64)) * found.dtype.itemsize, stored)
    array, left = np.asarray(found[index]), left_axes(axes, index)
    return Pixels(array, pages=array.ndim == 3 and left.startswith("C"))


def _one_picture(array: np.ndarray) -> Pixels:
    """(..., H, W, C) with any number of leading planes -> the only one. Raises: Unfit where there are more."""
    leading = array.shape[:-3]
    if int(np.prod(leading, dtype=np.int64)) != 1:
        raise Unfit(
            f"holds {' x '.join(map(str, leading))} slices: --page takes one of them, such as --page {leading[-1] // 2}"
        )
    return Pixels(array.reshape(array.shape[-3:]))
