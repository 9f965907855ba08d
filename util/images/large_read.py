"""Reading any rectangle of an image that need not fit into memory: tiled and striped TIFF, Zarr; all else is read whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from options.types import Range
from util.errors import InputError, reason_of
from util.images.names import NO_PICTURES, TIFF, is_zarr, suffix_of
from util.images.packages import image_package
from util.images.read import channels_last, read_pixels, upright
from util.images.stacks import (
    IN_PLANE,
    choose_series,
    left_axes,
    open_zarr,
    page_numbers,
    read_tiff,
    select_page,
)
from util.images.values import INPUTS, LUMA, Unfit, Values, composite

TYPES = ("uint8", "uint16", "int16", "int32", "float32")
CACHE = 256e6  # bytes of decoded tiles that are kept
MINISBLACK, RGB, YCBCR = 1, 2, 6  # of what TIFF calls photometric


@dataclass(frozen=True)
class LargeImage:
    """Pixels of an open file.

    Attributes:
        path: of the file.
        height, width: pixels.
        pixels: (rows, columns) -> (h, w, samples) of one of TYPES.
    """

    path: Path
    height: int
    width: int
    pixels: Callable[[slice, slice], np.ndarray]

    def read(self, rows: slice, columns: slice, values: Values) -> torch.Tensor:
        """Reads (channels, h, w) in [-1, 1]: one channel is luminance, three are colour.

        Where nothing declares a range, it is all that the file's type can hold.
        Raises: InputError when the file holds other values, or channels are missing.
        """
        array, channels = self.pixels(rows, columns), values.channels
        if values.bands:
            try:
                array = values.selected(array)
            except Unfit as error:
                raise InputError(f"{self.path} {error}") from None
        elif channels in (1, 3) and array.shape[-1] in (2, 4):
            array = composite(array, values.alpha)
        whole = array.dtype.kind == "u"
        if channels == 1 and array.shape[-1] == 3 and whole:
            array = (array @ LUMA + 0x8000 >> 16).astype(array.dtype)[..., None]
        if values.declared is None:
            full = np.iinfo(array.dtype).max if whole else 1
            values = replace(values, declared=Range(0, full, whole))
        try:
            return values.to_network(array[..., 0] if values.labels else array)[0]
        except Unfit as error:
            raise InputError(f"{self.path} {error}") from None


@contextmanager
def open_large(path: Path, values: Values = INPUTS) -> Iterator[LargeImage]:
    """Opens an image for reading parts of it; what TIFF and Zarr store in parts is never in memory as a whole.

    values: those that will be read: their page is chosen, and their channels may be pages.
    Raises: InputError when it is missing, damaged, or of a kind that is not supported.
    """
    if not path.is_file() and not (is_zarr(path.name) and path.is_dir()):
        raise InputError(f"{path} is missing or not a plain file")
    if path.suffix.lower() in TIFF:
        with _tiff(path, values) as image:
            yield image
    elif is_zarr(path.name):
        yield _zarr(path, values)
    else:
        yield _whole(path, values)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read as an image ({reason_of(error)})") from error


@contextmanager
def _tiff(path: Path, values: Values) -> Iterator[LargeImage]:
    tifffile = image_package("tifffile")
    with _reading(path):
        file = tifffile.TiffFile(path)
    with file:
        with _reading(path):
            pages = _pages(file, values)
            page = pages[0] if pages else file.pages[0]
            orientation = page.tags.get("Orientation")
            streams = (
                pages
                and page.photometric in (MINISBLACK, RGB, YCBCR)
                and page.axes in ("YX", "YXS", "SYX")
                and (orientation is None or orientation.value == 1)
            )
        if not streams:
            yield _whole(path, values)
            return
        _check_type(path, page.dtype)
        sources = [
            _mapped(path, one) if one.is_memmappable else _segments(path, one) for one in pages
        ]

        def pixels(rows: slice, columns: slice) -> np.ndarray:
            parts = [source(rows, columns) for source in sources]
            return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

        yield LargeImage(path, page.imagelength, page.imagewidth, pixels)


def _pages(file: Any, values: Values) -> list[Any]:
    """The pages whose pixels are the image's, of a pyramid the finest; [] where planes are not pages of their own."""
    series, index = choose_series(file, values.page)
    numbers = page_numbers(series, index)
    if numbers is None:
        return []
    first = series.pages[0]
    channels_are_pages = first.samplesperpixel == 1 and numbers.ndim == 1
    if values.page or (channels_are_pages and numbers.size == values.channels):
        return [series.pages[int(number)].aspage() for number in numbers.ravel()]
    return [first.aspage()]


def _check_type(path: Path, dtype: np.dtype) -> None:
    if dtype not in TYPES:
        raise InputError(
            f"{path} holds values of type {dtype}: large images must have {', '.join(TYPES)}"
        )


def _mapped(path: Path, page: Any) -> Callable[[slice, slice], np.ndarray]:
    """Uncompressed pixels; mapped for each read, since pages that stay mapped count as memory in use."""

    def pixels(rows: slice, columns: slice) -> np.ndarray:
        height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
        stored = page.dtype.newbyteorder(page.parent.byteorder)
        with _reading(path):
            if page.axes == "SYX":  # a plane for each channel
                shape = samples, height, width
                values = np.memmap(path, stored, "r", page.dataoffsets[0], shape)
                return np.moveaxis(np.array(values[:, rows, columns]), 0, -1)
            shape = height, width, samples
            values = np.memmap(path, stored, "r", page.dataoffsets[0], shape)
            return np.array(values[rows, columns])

    return pixels


def _segments(path: Path, page: Any) -> Callable[[slice, slice], np.ndarray]:
    """Tiles or strips, decoded when they are needed and kept for the neighbours."""
    if page.is_tiled:
        h, w = page.tilelength, page.tilewidth
    else:  # for all rows in one strip, rowsperstrip may be beyond any height
        h, w = min(page.rowsperstrip, page.imagelength), page.imagewidth
    in_a_row = -(-page.imagewidth // w)
    in_a_plane = in_a_row * -(-page.imagelength // h)
    planes = page.samplesperpixel if page.axes == "SYX" else 1
    size = h * w * page.samplesperpixel // planes * page.dtype.itemsize

    @lru_cache(maxsize=max(4, int(CACHE / size)))
    def segment(index: int) -> np.ndarray | None:
        file = page.parent.filehandle
        file.seek(page.dataoffsets[index])
        data = file.read(page.databytecounts[index]) or None
        decoded, _, shape = page.decode(data, index, jpegtables=page.jpegtables)
        return None if decoded is None else decoded[0, : shape[1], : shape[2]]

    def pixels(rows: slice, columns: slice) -> np.ndarray:
        shape = rows.stop - rows.start, columns.stop - columns.start, page.samplesperpixel
        out = np.full(shape, page.nodata, page.dtype)
        for plane in range(planes):
            channels = out[..., plane : plane + 1] if planes > 1 else out
            for i in range(rows.start // h, -(-rows.stop // h)):
                for j in range(columns.start // w, -(-columns.stop // w)):
                    with _reading(path):
                        values = segment(plane * in_a_plane + i * in_a_row + j)
                    if values is not None:
                        _place(channels, values, i * h - rows.start, j * w - columns.start)
        return out

    return pixels


def _zarr(path: Path, values: Values) -> LargeImage:
    with _reading(path):
        found, axes, _ = open_zarr(str(path))
        index = list(select_page(found.shape, axes, values.page))
        for i, (count, axis) in enumerate(zip(found.shape, axes, strict=True)):
            if count == 1 and axis not in IN_PLANE and isinstance(index[i], slice):
                index[i] = 0
        if left_axes(axes, index) not in ("YX", "CYX", "YXC"):
            raise ValueError(
                f"holds values of shape {found.shape}: --page takes one of several planes"
            )
    _check_type(path, found.dtype)
    down, across = axes.index("Y"), axes.index("X")

    def pixels(rows: slice, columns: slice) -> np.ndarray:
        part = list(index)
        part[down], part[across] = rows, columns
        with _reading(path):
            array = np.asarray(found[tuple(part)])
        if array.ndim == 2:
            return array[..., None]
        return np.moveaxis(array, 0, -1) if axes.index("C") < down else array

    return LargeImage(path, found.shape[down], found.shape[across], pixels)


def _place(out: np.ndarray, values: np.ndarray, top: int, left: int) -> None:
    """Writes what lies inside `out` of values whose corner belongs at (top, left), which may be negative."""
    above, before = max(0, -top), max(0, -left)
    target = out[max(0, top) : top + len(values), max(0, left) : left + values.shape[1]]
    target[...] = values[above : above + len(target), before : before + target.shape[1]]


def _whole(path: Path, values: Values) -> LargeImage:
    """Any other format, in memory: what Pillow knows as 8 bits, or 16 of one channel."""
    with _reading(path), _of_any_size():
        array = _array(path, values) if _holds_values(path) else None
        if array is None:
            array = _picture(path)
    height, width = array.shape[:2]
    return LargeImage(path, height, width, lambda rows, columns: array[rows, columns])


def _holds_values(path: Path) -> bool:
    return suffix_of(path.name) in NO_PICTURES or path.suffix.lower() in (".tif", ".tiff")


def _array(path: Path, values: Values) -> np.ndarray | None:
    """(H, W, C) of what training reads as arrays; None for TIFF that only Pillow decodes."""
    read = read_pixels if suffix_of(path.name) in NO_PICTURES else read_tiff
    pixels = read(str(path), values.page)
    if pixels is None:
        return None
    array, _, pages = pixels
    array = channels_last(array, 1 if values.labels else values.channels, pages)
    _check_type(path, array.dtype)
    return array


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        picture = upright(file)
        if picture.mode.startswith("F"):
            raise InputError(f"{path} holds floats: large images must have 8 or 16 bits")
        if picture.mode.startswith("I"):
            array = np.asarray(picture).clip(0, 65535).astype(np.uint16)
        else:
            array = np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))
    return array.reshape(*array.shape[:2], -1)


@contextmanager
def _of_any_size() -> Iterator[None]:
    """Pillow takes large images for attacks by default; here they are what is expected."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
