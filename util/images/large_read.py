"""Reading any rectangle of an image that need not fit into memory: tiled and striped TIFF; all else is read whole."""

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
from util.images.packages import image_package
from util.images.read import upright
from util.images.values import LUMA, Unfit, Values, composite

TIFF = (".tif", ".tiff", ".svs", ".ndpi", ".btf", ".tf8")
TYPES = ("uint8", "uint16", "int16", "float32")
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
        if channels in (1, 3) and array.shape[-1] in (2, 4):
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
def open_large(path: Path) -> Iterator[LargeImage]:
    """Opens an image for reading parts of it; what TIFF stores in tiles or strips is never in memory as a whole.

    Raises: InputError when it is missing, damaged, or of a kind that is not supported.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing or not a plain file")
    if path.suffix.lower() in TIFF:
        with _tiff(path) as image:
            yield image
    else:
        yield _whole(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read as an image ({reason_of(error)})") from error


@contextmanager
def _tiff(path: Path) -> Iterator[LargeImage]:
    tifffile = image_package("tifffile")
    with _reading(path):
        file = tifffile.TiffFile(path)
    with file:
        with _reading(path):
            page = file.pages[0]  # of a pyramid, the finest
            orientation = page.tags.get("Orientation")
            streams = (
                page.photometric in (MINISBLACK, RGB, YCBCR)
                and page.axes in ("YX", "YXS")
                and (orientation is None or orientation.value == 1)
            )
        if not streams:
            yield _whole(path)
            return
        if page.dtype not in TYPES:
            raise InputError(
                f"{path} holds values of type {page.dtype}: large TIFF files must have {', '.join(TYPES)}"
            )
        pixels = _mapped(path, page) if page.is_memmappable else _segments(path, page)
        yield LargeImage(path, page.imagelength, page.imagewidth, pixels)


def _mapped(path: Path, page: Any) -> Callable[[slice, slice], np.ndarray]:
    """Uncompressed pixels; mapped for each read, since pages that stay mapped count as memory in use."""

    def pixels(rows: slice, columns: slice) -> np.ndarray:
        shape = page.imagelength, page.imagewidth, page.samplesperpixel
        stored = page.dtype.newbyteorder(page.parent.byteorder)
        with _reading(path):
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
    size = h * w * page.samplesperpixel * page.dtype.itemsize

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
        for i in range(rows.start // h, -(-rows.stop // h)):
            for j in range(columns.start // w, -(-columns.stop // w)):
                with _reading(path):
                    values = segment(i * in_a_row + j)
                if values is not None:
                    _place(out, values, i * h - rows.start, j * w - columns.start)
        return out

    return pixels


def _place(out: np.ndarray, values: np.ndarray, top: int, left: int) -> None:
    """Writes what lies inside `out` of values whose corner belongs at (top, left), which may be negative."""
    above, before = max(0, -top), max(0, -left)
    target = out[max(0, top) : top + len(values), max(0, left) : left + values.shape[1]]
    target[...] = values[above : above + len(target), before : before + target.shape[1]]


def _whole(path: Path) -> LargeImage:
    """Any format that Pillow knows, in memory as 8 bits, or 16 of one channel."""
    with _reading(path), _of_any_size(), Image.open(path) as file:
        picture = upright(file)
        if picture.mode.startswith("F"):
            raise InputError(f"{path} holds floats: large images must have 8 or 16 bits")
        if picture.mode.startswith("I"):
            array = np.asarray(picture).clip(0, 65535).astype(np.uint16)
        else:
            array = np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))
    array = array.reshape(*array.shape[:2], -1)
    height, width = array.shape[:2]
    return LargeImage(path, height, width, lambda rows, columns: array[rows, columns])


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
