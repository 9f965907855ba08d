"""What a network makes, in files of its domain's own values: PNG, TIFF and NumPy, of any depth."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from options.ranges import Range
from util.errors import InputError
from util.files import replacing

FORMATS = ("auto", "png", "tiff", "npy")
SUFFIXES = {"png": ".png", "tiff": ".tif", "npy": ".npy"}


def to_network(values: np.ndarray, bounds: Range) -> np.ndarray:
    """Values of any type -> float32 in [-1, 1]; what lies outside the range is clipped.

    Exact to float32's 24 bits: whole numbers of up to 16 bits come back from `from_network` as they were.
    """
    half = (bounds.high - bounds.low) / 2
    scaled = (values.astype(np.float64) - (bounds.low + half)) / half
    return scaled.clip(-1, 1).astype(np.float32)


def from_network(images: np.ndarray, bounds: Range) -> np.ndarray:
    """float32 in [-1, 1] -> values in the range, in `dtype_of` it."""
    half = (bounds.high - bounds.low) / 2
    values = images.astype(np.float64) * half + (bounds.low + half)
    values = values.clip(bounds.low, bounds.high)
    return (np.rint(values) if bounds.whole else values).astype(dtype_of(bounds))


def dtype_of(bounds: Range) -> np.dtype:
    """The smallest type of whole numbers that holds the range, or float32."""
    if bounds.whole:
        for kind in (np.uint8, np.int8, np.uint16, np.int16, np.int32):
            limits = np.iinfo(kind)
            if limits.min <= bounds.low and bounds.high <= limits.max:
                return np.dtype(kind)
    return np.dtype(np.float32)


def format_for(asked: str, like: str, bounds: Range, channels: int) -> str | None:
    """png, tiff or npy: what such values are written as; None where the 8-bit picture says it all.

    Args:
        asked: a value of --save_format.
        like: the name of a file whose format is kept, if that can be.
    Raises: InputError when PNG is asked for and cannot hold them.
    """
    fits = dtype_of(bounds) in (np.uint8, np.uint16) and channels in (1, 3, 4)
    shown = bounds == (0, 255, True) and channels in (1, 3)
    if asked == "png" and not fits:
        raise InputError(
            f"PNG files hold whole numbers from 0 to 65535 in 1, 3 or 4 channels, not {channels} "
            f"channels of {bounds}; use tiff or npy"
        )
    if asked != "auto":
        return None if asked == "png" and shown else asked
    if shown:
        return None
    suffix = Path(like).suffix.lower()
    if suffix in (".npy", ".npz"):
        return "npy"
    return "png" if suffix == ".png" and fits else "tiff"


def write_values(path: Path, values: np.ndarray) -> None:
    """Writes (H, W, C), or (H, W) for one channel, in the format of the path's suffix.

    The file appears when it is complete.
    Raises: InputError when a package is missing, or the disk refuses.
    """
    with replacing(path, lasting=False) as file:
        encode_values(file, path.suffix.lower(), values)


def encode_values(file: IO[bytes], suffix: str, values: np.ndarray) -> None:
    """Writes (H, W, C) in the format of a suffix. Raises: InputError when a package is missing."""
    array = np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values)
    if suffix == ".npy":
        np.save(file, array)
    elif suffix in (".tif", ".tiff"):
        photometric = "rgb" if array.shape[2:] == (3,) else "minisblack"
        planes = "contig" if array.ndim == 3 else None
        tifffile().imwrite(file, array, photometric=photometric, planarconfig=planes)
    elif array.dtype == np.uint8 or array.ndim == 2:
        Image.fromarray(array).save(file, format="PNG", compress_level=1)
    else:
        file.write(imagecodecs().png_encode(array))


def tifffile():
    """The package that reads and writes every TIFF file. Raises: InputError when it is missing."""
    try:
        import tifffile
    except ImportError:
        raise InputError("this kind of TIFF file needs tifffile: pip install tifffile") from None
    return tifffile


def imagecodecs():
    """The package that knows colour PNG of 16 bits. Raises: InputError when it is missing."""
    try:
        import imagecodecs
    except ImportError:
        raise InputError(
            "colour PNG files of 16 bits need imagecodecs: pip install imagecodecs "
            "(--range_A 0,255 --range_B 0,255 does with their upper 8 bits)"
        ) from None
    return imagecodecs
