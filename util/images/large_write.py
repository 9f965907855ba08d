"""Writing an image that comes in parts and need not fit into memory: tiled TIFF, pyramids too; other formats are put together first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from PIL import Image

from util.errors import InputError
from util.files import replacing
from util.images.metadata import Metadata, fits
from util.images.packages import image_package
from util.images.write import encode_values, tiff_palette, write_classes

STREAMED = (".tif", ".tiff", ".btf")
SIDE = 256  # of the tiles in the file
BIG = 3.9e9  # bytes of pixels from which on 32 bits may not address them: then it is BigTIFF

# Rows, columns, and (h, w, C), or (h, w) for one channel; uint8, or for TIFF of any type.
Pixels = tuple[slice, slice, np.ndarray]


def write_large(
    path: Path,
    size: tuple[int, int],
    parts: Iterable[Pixels],
    metadata: Metadata | None = None,
    *,
    pyramid: bool = False,
    classes: int = 0,
) -> None:
    """Writes an image whose parts come row by row; the file appears when all is written.

    TIFF is written as it comes, in tiles, compressed without loss. For any other format the image, though
    not more than its 8 bits, has to fit into memory.

    Args:
        size: height and width.
        metadata: of the image. A place on the Earth makes it GeoTIFF, a pixel size, names of channels or a pyramid without
            such a place OME-TIFF.
        pyramid: of TIFF: with the image at half the size, a quarter, ... down to a tile: overviews as GDAL has them in
            GeoTIFF, as OME has them in others. A quarter of the image's pixels go through a temporary file.
        classes: number of classes, for label maps: they get a palette.
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
            if suffix == ".png" and classes:
                write_classes(file, suffix, whole, metadata, classes)
            elif suffix == ".png":
                encode_values(file, suffix, np.atleast_3d(whole), metadata)
            else:
                Image.fromarray(whole).save(file, Image.registered_extensions()[suffix])
            return
        _write_tiff(tifffile, file, bands, shape, first.dtype, metadata, pyramid, classes)


def _write_tiff(
    tifffile: Any,
    file: IO[bytes],
    bands: Iterable[np.ndarray],
    shape: tuple[int, ...],
    dtype: np.dtype,
    metadata: Metadata | None,
    pyramid: bool,
    classes: int,
) -> None:
    height, width = shape[:2]
    metadata = metadata or Metadata((height, width), {})
    said = metadata.ome()
    nodata = metadata.nodata if fits(metadata.nodata, dtype) else None
    ome = not metadata.geo and (pyramid or bool(said))
    levels = _levels(shape[:2]) if pyramid else []
    options: dict[str, Any] = {
        "dtype": dtype,
        "tile": (SIDE, SIDE),
        "photometric": "rgb" if shape[2:] == (3,) else "minisblack",
        "planarconfig": "contig" if len(shape) == 3 else None,
        "compression": "zlib",
        "compressionargs": {"level": 1},
        "maxworkers": 1,
    }
    if classes:
        options |= tiff_palette(classes)
    smaller_of = nearest if classes else partial(halve, nodata=nodata)
    tags = metadata.tiff_tags(dtype, shape[2] if len(shape) == 3 else 1)
    axes = "YXS"[: len(shape)]
    size = np.prod(shape, dtype=np.int64) * dtype.itemsize * (4 / 3 if pyramid else 1)
    with tifffile.TiffWriter(file, bigtiff=size > BIG, ome=ome) as tiff, ExitStack() as stack:
        half = stack.enter_context(_temporary(levels[0], shape, dtype)) if levels else None
        tiff.write(
            _tiles(_halved(bands, half, smaller_of)),
            shape=shape,
            subifds=len(levels) if ome else None,
            metadata={"axes": axes, **said} if ome else None,
            description=None if ome else metadata.description or None,
            software="",
            **options,
            **tags,
        )
        for level, after in zip_longest(levels, levels[1:]):
            # Each level is made of the one before while that is written.
            assert half is not None
            whole, half = half, None
            if after:
                half = stack.enter_context(_temporary(after, shape, dtype))
            smaller = metadata.at_size(level).tiff_tags(dtype, 0)
            smaller.pop("extratags", None)
            tiff.write(
                _tiles(_halved(_strips(whole), half, smaller_of)),
                shape=(*level, *shape[2:]),
                subfiletype=1,  # a smaller version of another image
                metadata=None,
                software="",
                **options,
                **smaller,
            )


def _levels(size: tuple[int, ...]) -> list[tuple[int, int]]:
    """Heights and widths of a pyramid above its base, down to one tile."""
    height, width = size
    levels = []
    while max(height, width) > SIDE:
        height, width = -(-height // 2), -(-width // 2)
        levels.append((height, width))
    return levels


@contextmanager
def _temporary(
    level: tuple[int, int], shape: tuple[int, ...], dtype: np.dtype
) -> Iterator[np.ndarray]:
    """Opens an array on disk that is gone afterwards."""
    with TemporaryFile() as file:
        yield np.memmap(file, dtype, "w+", shape=(*level, *shape[2:]))


def _strips(whole: np.ndarray) -> Iterator[np.ndarray]:
    for top in range(0, len(whole), SIDE):
        yield np.array(whole[top : top + SIDE])


def _halved(
    bands: Iterable[np.ndarray],
    half: np.ndarray | None,
    smaller_of: Callable[[np.ndarray], np.ndarray],
) -> Iterator[np.ndarray]:
    """Passes strips of SIDE rows on, and puts them at half the size into an array, if there is one."""
    top = 0
    for band in bands:
        if half is not None:
            smaller = smaller_of(band)
            half[top : top + len(smaller)] = smaller
            top += len(smaller)
        yield band


def nearest(array: np.ndarray) -> np.ndarray:
    """Every other pixel of every other row, as class numbers have no means."""
    return array[::2, ::2]


def halve(array: np.ndarray, nodata: float | None = None) -> np.ndarray:
    """(H, W, ...) -> (ceil(H / 2), ceil(W / 2), ...): means of 2 x 2 pixels, of those that hold data."""
    odd = [(0, array.shape[0] % 2), (0, array.shape[1] % 2), *[(0, 0)] * (array.ndim - 2)]
    array = np.pad(array, odd, "edge")
    four = np.stack([array[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    known = np.isfinite(four)
    if nodata is not None:
        known &= four != array.dtype.type(nodata) if np.isfinite(nodata) else True
    count = known.sum(axis=0)
    mean = np.where(known, four, 0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    if array.dtype.kind != "f":
        mean = np.rint(mean)
    missing = np.nan if nodata is None else nodata
    return (np.where(count, mean, missing) if not count.all() else mean).astype(array.dtype)


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
