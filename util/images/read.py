"""Image files, on disk or in tars -> 8-bit tensors, or arrays of the files' own depth and channels."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image, ImageOps

from util.errors import InputError, reason_of
from util.images.names import ARRAYS, NO_PICTURES, is_zarr, suffix_of
from util.images.packages import image_package
from util.images.stacks import (
    ORIENTATION,
    PACKED,
    Pixels,
    Source,
    check_unpacked,
    read_dicom,
    read_nifti,
    read_tiff,
    read_zarr,
    refuse_page,
)
from util.images.tars import image_bytes, tar_of
from util.images.values import (
    Unfit,
    Values,
    class_numbers,
    composite,
    ends,
    to_8_bits,
    to_network,
    with_channels,
)

try:
    from torchvision.io import ImageReadMode, decode_image
except ImportError:  # announced for a later torchvision: Pillow decodes everything then
    decode_image = None

STACKS = {
    ".dcm": read_dicom,
    ".dicom": read_dicom,
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".zarr": read_zarr,
}


class BadImage(Exception):
    """An image file that cannot be used. Attributes: path, reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def read_image(path: str, channels: int, alpha: str = "drop") -> torch.Tensor:
    """Reads uint8 (channels, H, W), turned upright as its EXIF orientation says.

    channels 1 gives luminance and 3 colour, whatever the file holds; deeper files are scaled to 8 bits.
    alpha: drop leaves the colours below transparency; white and black lay them on that.
    Raises: BadImage when the file is damaged, empty, or no image.
    """
    with unreadable(path):
        if suffix_of(path) in NO_PICTURES:
            array = read_array(path, Values("", channels, alpha=alpha))
            if array.dtype not in (np.uint8, np.uint16):
                raise ValueError(f"it holds {array.dtype} values, whose range has to be declared")
            return _channels_first(to_8_bits(array))
        return _read_8_bits(image_source(path), channels, alpha)


def read_values(path: str, values: Values) -> torch.Tensor:
    """Reads float32 (C, H, W) in [-1, 1] if deep; class numbers (1, H, W) uint8 of label maps; else uint8 (C, H, W).

    Raises: BadImage.
    """
    if values.plain and not values.page:
        return read_image(path, values.channels, values.alpha)
    with unreadable(path):
        if values.labels:
            numbers = read_class_numbers(path, values.page)
            return _channels_first(class_numbers(numbers, values.labels, values.side))
        array = read_in_units(path, values)
        if values.deep:
            return _channels_first(to_network(array, values.bounds))
        return _channels_first(np.rint(array.clip(0, 255)).astype(np.uint8))


def read_class_numbers(path: str, page: str = "") -> np.ndarray:
    """Reads (H, W, 1) of a label map's grey levels, or of the numbers of a palette's colours, as the file has them.

    Raises: BadImage.
    """
    with unreadable(path):
        try:
            with opened(image_source(path)) as file:
                if file.mode in ("1", "P") and not page:
                    return np.array(upright(file)).astype(np.uint8)[..., None]
        except OSError:  # a format that is not Pillow's
            pass
        array, transparent, pages = read_pixels(path, page)
        return channels_last(array, 1, pages)[..., : -1 if transparent else None]


def count_outside(path: str, values: Values) -> int:
    """Counts the values of a file that lie outside the range. Raises: BadImage."""
    if values.plain or values.labels:
        return 0
    with unreadable(path):
        array = read_in_units(path, values)
    low, high = ends(values.bounds)
    return int(((array < low) | (array > high)).sum())


def read_picture(path: str) -> Image.Image:
    """Reads what Pillow makes of a file, in the file's own mode, upright. Raises: BadImage."""
    with unreadable(path), opened(image_source(path)) as file:
        return upright(file)


def read_in_units(path: str, values: Values) -> np.ndarray:
    """Reads (H, W, channels) in the units of the range, NaN where values are missing. Raises: as `read_array`; Unfit."""
    array, transparent = _all_channels(path, values)
    return values.fitted(array, _converted(array, transparent, values))


def read_array(path: str, values: Values) -> np.ndarray:
    """Reads (H, W, channels) in the file's type.

    Raises: WrongChannels that says what the file holds; ValueError, and whatever `read_pixels` raises.
    """
    return _converted(*_all_channels(path, values), values)


def _all_channels(path: str, values: Values) -> tuple[np.ndarray, bool]:
    """The file's channels (H, W, C), or the chosen bands of them, and whether the last one is transparency."""
    array, transparent, pages = read_pixels(path, values.page)
    if array.dtype.kind not in "buif":
        raise ValueError(f"holds values of type {array.dtype}")
    if not array.size:
        raise ValueError(f"holds no pixels, but an array of shape {array.shape}")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if values.bands:
        # They are chosen from more channels than are wanted; the shorter end holds these.
        found = min(array.shape[0], array.shape[-1])
        return values.selected(channels_last(array, found, pages)), False
    return channels_last(array, values.channels, pages), transparent


def _converted(array: np.ndarray, transparent: bool, values: Values) -> np.ndarray:
    """Any channels -> those that the network sees."""
    if transparent and array.shape[-1] != values.channels:
        array = composite(array, values.alpha)
    return with_channels(array, values.channels)


def read_pixels(path: str, page: str = "") -> Pixels:
    """Reads all that a file holds, or a page of it.

    Raises: BadImage, OSError, ValueError and whatever libraries find wrong with a file; InputError when one is missing.
    """
    suffix, source = suffix_of(path), image_source(path)
    if suffix in STACKS:
        return STACKS[suffix](source, page)
    if suffix in (".tif", ".tiff"):
        pixels = read_tiff(source, page)
        if pixels is None and page:
            raise ValueError(
                "--page needs TIFF of grey levels, RGB or numbers, in a usual compression"
            )
        return pixels or _pillow(source)
    refuse_page(page)
    if suffix in ARRAYS:
        return Pixels(_numpy(source))
    if suffix == ".exr":
        return _exr(source)
    if suffix == ".png" and is_deep_colour(source):
        with opened(source):  # for what it finds out of sizes
            pass
        array = image_package("imagecodecs").png_decode(_content(source))
        return Pixels(array, transparent=array.shape[-1] in (2, 4))
    return _pillow(source)


@contextmanager
def unreadable(path: str) -> Iterator[None]:
    """Turns any error while reading into a BadImage: libraries raise many kinds for a damaged file."""
    try:
        yield
    except BadImage:
        raise
    except Unfit as error:
        raise BadImage(path, str(error)) from None
    except Exception as error:
        raise BadImage(path, f"cannot be read as an image ({reason_of(error)})") from None


def image_source(path: str) -> Source:
    """Finds what libraries open: a file's path, or the content of an image in a tar.

    Raises: BadImage where there is no file, or a pipe or device in its place; OSError for a damaged tar.
    """
    if tar_of(path) is not None:
        return io.BytesIO(image_bytes(path))
    if not os.path.isfile(path) and not (is_zarr(path) and os.path.isdir(path)):
        raise BadImage(path, "is missing or not a plain file")
    return path


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Opens a picture with Pillow, without its remarks on odd but readable files; nothing is decoded yet.

    Raises: ValueError for a file that would fill the memory.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(source) as file:
            stored = str(getattr(file, "tile", [])[:1])  # says of PNG how deep colours are
            depth = 4 if file.mode in ("I", "F") else 2 if ";16" in stored else 1
            unpacked = file.width * file.height * len(file.getbands()) * depth
            check_unpacked(source, unpacked, most=8 * PACKED if file.mode == "1" else PACKED)
            yield file


def upright_size(file: Image.Image) -> tuple[int, int]:
    """Height and width of an opened picture as it stands upright, without decoding it."""
    # A PNG without this entry would be decoded in search of one.
    tagged = file.format != "PNG" or "exif" in file.info
    lies = tagged and file.getexif().get(ORIENTATION, 1) >= 5
    return (file.width, file.height) if lies else (file.height, file.width)


def upright(file: Image.Image) -> Image.Image:
    """Decodes an opened picture and turns it as its EXIF orientation says."""
    return ImageOps.exif_transpose(file)


def is_deep_colour(source: Source) -> bool:
    """Tells whether a PNG has 16 bits and more than one channel, of which Pillow would drop the lower eight."""
    head = _content(source, 26)
    return len(head) == 26 and head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16 and head[25] != 0


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


def _read_8_bits(source: Source, channels: int, alpha: str) -> torch.Tensor:
    with opened(source) as file:
        if file.format == "JPEG" and file.mode in ("L", "RGB"):
            image = _decode_jpeg(source, channels)
            if image is not None:
                return image
        picture = upright(file)
        if picture.mode.startswith(("I", "F")):  # 16 and 32 bits, which convert() would clip
            picture = Image.fromarray(to_8_bits(np.asarray(picture)))
        elif alpha != "drop" and picture.has_transparency_data:
            picture = Image.fromarray(composite(np.array(picture.convert("RGBA")), alpha))
        return _from_picture(picture, channels)


def _decode_jpeg(source: Source, channels: int) -> torch.Tensor | None:
    """The same pixels as Pillow's, faster, or None: then Pillow knows what is wrong with the file.

    Not for other formats: torchvision's PNG decoder ends the process on some damaged files.
    """
    if decode_image is None:
        return None
    if isinstance(source, str):
        content = np.fromfile(source, np.uint8)
    else:
        content = np.frombuffer(source.getbuffer(), np.uint8)
    try:
        image = decode_image(
            torch.from_numpy(content), ImageReadMode.RGB, apply_exif_orientation=True
        )
    except RuntimeError:
        return None
    if channels == 1:
        return _from_picture(Image.fromarray(image.permute(1, 2, 0).numpy()), channels)
    return image


def _from_picture(picture: Image.Image, channels: int) -> torch.Tensor:
    array = np.array(picture.convert("L" if channels == 1 else "RGB"))
    return torch.from_numpy(array).reshape(*array.shape[:2], channels).permute(2, 0, 1)


def _channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 0)))


def _numpy(source: Source) -> np.ndarray:
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                check_unpacked(source, member.file_size, max(1, member.compress_size))
    if not isinstance(source, str):
        source.seek(0)
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


def _exr(source: Source) -> Pixels:
    if not isinstance(source, str):
        raise ValueError("OpenEXR files are not read from tars")
    try:
        OpenEXR = image_package("OpenEXR")
    except InputError as error:  # stops at this file, not at the first look at the data set
        raise ValueError(str(error)) from None
    with OpenEXR.File(source, header_only=True) as file:
        (left, top), (right, bottom) = (map(int, corner) for corner in file.header()["dataWindow"])
        halves = (right - left + 1) * (bottom - top + 1) * len(file.header()["channels"])
        check_unpacked(source, 2 * halves)
    with OpenEXR.File(source, separate_channels=True) as file:
        found = {name: channel.pixels for name, channel in file.channels().items()}
    colours = [name for name in "YRGB" if name in found]
    others = sorted(name for name in found if name not in (*colours, "A"))
    names = [*colours, *others, *(["A"] if "A" in found else [])]
    return Pixels(np.stack([found[name] for name in names], axis=-1), transparent="A" in found)


def _pillow(source: Source) -> Pixels:
    if not isinstance(source, str):
        source.seek(0)
    with opened(source) as file:
        picture = upright(file)
        if picture.has_transparency_data and picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("LA" if picture.mode in ("L", "La") else "RGBA")
        elif picture.mode == "1":
            picture = picture.convert("L")
        elif not picture.mode.startswith(("L", "I", "F", "RGB")):
            picture = picture.convert("RGB")
        array = np.array(picture)
    return Pixels(array, transparent=picture.mode.endswith("A"))


def _content(source: Source, count: int = -1) -> bytes:
    if not isinstance(source, str):
        source.seek(0)
        return source.read(count)
    with open(source, "rb") as file:
        return file.read(count)
