"""Image files of any depth and number of channels -> arrays of their own values."""

from __future__ import annotations

import io
import os
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from util.images.tars import readable, tar_of
from util.images.values import composited, with_channels
from util.images.write import imagecodecs, tifffile

ORIENTATION = 274  # a TIFF tag
UPRIGHT = {  # orientation -> quarter turns, and whether to mirror left to right after them
    2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip


class Pixels(NamedTuple):
    """What a file holds.

    Attributes:
        array: (H, W), (H, W, C), (C, H, W) or more dimensions, in the file's type.
        transparent: whether its last channel says how opaque it is.
        pages: whether channels, if there are three dimensions, come first.
    """

    array: np.ndarray
    transparent: bool = False
    pages: bool = False


def read_pixels(path: str) -> Pixels:
    """Raises: OSError, ValueError and whatever else libraries find wrong with a file; InputError when one is missing."""
    suffix, source = os.path.splitext(path)[1].lower(), readable(path)
    if suffix in (".npy", ".npz"):
        return Pixels(_numpy(source))
    if suffix == ".exr":
        return _exr(path)
    if suffix in (".tif", ".tiff"):
        return _tiff(source)
    if suffix == ".png" and is_deep_colour(source):
        array = imagecodecs().png_decode(_content(source))
        return Pixels(array, transparent=array.shape[-1] in (2, 4))
    return _pillow(source)


def read_image_array(path: str, channels: int, alpha: str) -> np.ndarray:
    """(H, W, channels) in the file's type.

    Args:
        alpha: a value of --alpha: what becomes of transparency that is not one of the channels.
    Raises: WrongChannels that says what the file holds; ValueError.
    """
    array, transparent, pages = read_pixels(path)
    if array.dtype.kind not in "buif":
        raise ValueError(f"holds values of type {array.dtype}")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    array = channels_last(array, channels, pages)
    if transparent and array.shape[-1] != channels:
        array = composited(array, alpha)
    return with_channels(array, channels)


def channels_last(array: np.ndarray, channels: int, pages: bool) -> np.ndarray:
    """(H, W, C): by where the number of channels stands; where that leaves a doubt, as the file's kind has it."""
    shape = array.shape
    while array.ndim > 3 and 1 in array.shape:
        array = array.squeeze(array.shape.index(1))
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 3:
        raise ValueError(f"holds values of shape {shape}: heights, widths and channels are needed")
    first, last = array.shape[0], array.shape[-1]
    if channels in (first, last):
        moves = first == channels and (pages or last != channels)
    else:
        moves = pages or (first <= 4 < last)
    return np.moveaxis(array, 0, -1) if moves else array


def _numpy(source: str | io.BytesIO) -> np.ndarray:
    loaded = np.load(source, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        if "image" not in names and len(names) != 1:
            raise ValueError(
                f"holds arrays called {', '.join(names)}: one is needed, or one called image"
            )
        return loaded["image" if "image" in names else names[0]]


def _exr(path: str) -> Pixels:
    if tar_of(path) is not None:
        raise ValueError("OpenEXR files are not read from tars")
    try:
        import OpenEXR
    except ImportError:
        raise ValueError("EXR files need OpenEXR: pip install OpenEXR") from None
    with OpenEXR.File(path, separate_channels=True) as file:
        found = {name: channel.pixels for name, channel in file.channels().items()}
    colours = [name for name in "YRGB" if name in found]
    others = sorted(name for name in found if name not in (*colours, "A"))
    names = [*colours, *others, *(["A"] if "A" in found else [])]
    return Pixels(np.stack([found[name] for name in names], axis=-1), transparent="A" in found)


def _tiff(source: str | io.BytesIO) -> Pixels:
    with tifffile().TiffFile(source) as file:
        series, page = file.series[0], file.pages[0]
        indexed = getattr(page, "photometric", 1) not in (0, 1, 2)  # palettes, CMYK, YCbCr ...
        try:
            array = None if indexed else series.asarray()
        except ValueError:  # a compression that is not built in
            array = None
        orientation = page.tags.get(ORIENTATION)
        extra = [int(kind) for kind in getattr(page, "extrasamples", ())]
        last, inverted = series.axes.endswith("S"), page.photometric == 0 and page.dtype.kind == "u"
    if array is None:
        return _pillow(source)
    if inverted:  # white is zero
        array = np.iinfo(array.dtype).max - array
    pages = array.ndim == 3 and not last
    if orientation and orientation.value in UPRIGHT:
        turns, mirrored = UPRIGHT[orientation.value]
        rows = -3 if last else -2
        array = np.rot90(array, turns, (rows, rows + 1))
        array = np.flip(array, rows + 1) if mirrored else array
    return Pixels(array, transparent=last and extra in ([1], [2]), pages=pages)


def _pillow(source: str | io.BytesIO) -> Pixels:
    if not isinstance(source, str):
        source.seek(0)
    with warnings.catch_warnings(), Image.open(source) as file:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd but readable files
        picture = ImageOps.exif_transpose(file)
        if picture.has_transparency_data and picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("LA" if picture.mode in ("L", "La") else "RGBA")
        elif picture.mode == "1":
            picture = picture.convert("L")
        elif not picture.mode.startswith(("L", "I", "F", "RGB")):
            picture = picture.convert("RGB")
        array = np.array(picture)
    return Pixels(array, transparent=picture.mode.endswith("A"))


def is_deep_colour(source: str | io.BytesIO) -> bool:
    """Whether a PNG has 16 bits and more than one channel, of which Pillow would drop the lower eight."""
    head = _content(source, 26)
    return len(head) == 26 and head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16 and head[25] != 0


def _content(source: str | io.BytesIO, count: int = -1) -> bytes:
    if not isinstance(source, str):
        source.seek(0)
        return source.read(count)
    with open(source, "rb") as file:
        return file.read(count)
