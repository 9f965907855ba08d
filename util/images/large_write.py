"""Writing an image that comes in parts and need not fit into memory: tiled TIFF; other formats are put together first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from util.errors import InputError
from util.files import replacing
from util.images import write_png
from util.images.packages import image_package

STREAMED = (".tif", ".tiff", ".btf")
SIDE = 256  # of the tiles in the file
BIG = 3.9e9  # bytes of pixels from which on 32 bits may not address them: then it is BigTIFF

# Rows, columns, and (h, w, C), or (h, w) for one channel; uint8, or for TIFF of any type.
Pixels = tuple[slice, slice, np.ndarray]


def write_large(path: Path, size: tuple[int, int], parts: Iterable[Pixels]) -> None:
    """Writes an image whose parts come row by row; the file appears when all is written.

    TIFF is written as it comes, in tiles, compressed without loss. For any other format the image, though
    not more than its 8 bits, has to fit into memory.

    Args:
        size: height and width.
    Raises: InputError when it cannot be written, or Pillow does not know the format.
    """
    suffix = path.suffix.lower()
    if suffix not in STREAMED and Image.registered_extensions().get(suffix) not in Image.SAVE:
        raise InputError(f"{path} is no kind of image that can be written: use .tif or .png")
    tifffile = image_package("tifffile") if suffix in STREAMED else None
    with replacing(path) as file:
        bands = _bands(parts, *size)
        first = next(bands)
        shape = *size, *first.shape[2:]
        bands = chain([first], bands)
        if tifffile is None:
            whole = _together(bands, shape)
            if suffix == ".png":
                write_png(file, whole)
            else:
                Image.fromarray(whole).save(file, Image.registered_extensions()[suffix])
            return
        with tifffile.TiffWriter(file, bigtiff=np.prod(shape) * first.itemsize > BIG) as tiff:
            tiff.write(
                _tiles(bands),
                shape=shape,
                dtype=first.dtype,
                tile=(SIDE, SIDE),
                photometric="rgb" if shape[2:] == (3,) else "minisblack",
                planarconfig="contig" if len(shape) == 3 else None,
                compression="zlib",
                compressionargs={"level": 1},
                maxworkers=1,
                metadata=None,
                software="",
            )


def _bands(parts: Iterable[Pixels], height: int, width: int) -> Iterator[np.ndarray]:
    """Strips as wide as the image and SIDE high, the last one maybe less."""
    held = np.zeros((0, width))
    top = 0  # row of the image that `held` begins with
    for rows, columns, pixels in parts:
        if rows.stop - top > len(held):
            held = _lengthened(held, rows.stop - top, pixels)
        held[rows.start - top : rows.stop - top, columns] = pixels
        if columns.stop < width:
            continue
        while len(held) >= SIDE or (len(held) and rows.stop == height):
            yield held[:SIDE]
            top += len(held[:SIDE])
            held = held[SIDE:]


def _lengthened(held: np.ndarray, rows: int, like: np.ndarray) -> np.ndarray:
    longer = np.zeros((rows, held.shape[1], *like.shape[2:]), like.dtype)
    if len(held):
        longer[: len(held)] = held
    return longer


def _together(bands: Iterable[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    whole, top = np.empty(shape, np.uint8), 0
    for band in bands:
        whole[top : top + len(band)] = band
        top += len(band)
    return whole


def _tiles(bands: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Squares of SIDE pixels, filled up with zeros."""
    for band in bands:
        for left in range(0, band.shape[1], SIDE):
            part = band[:, left : left + SIDE]
            tile = np.zeros((SIDE, SIDE, *band.shape[2:]), band.dtype)
            tile[: len(part), : part.shape[1]] = part
            yield tile
