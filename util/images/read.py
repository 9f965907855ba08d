"""Images in files and tars -> 8-bit tensors."""

from __future__ import annotations

import io
import os
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps

from util.images.names import ARRAYS
from util.images.read_arrays import read_image_array
from util.images.tars import readable, tar_of
from util.images.values import composited

try:
    from torchvision.io import ImageReadMode, decode_image
except ImportError:  # announced for a later torchvision: Pillow decodes everything then
    decode_image = None


class BadImage(Exception):
    """An image file that cannot be used. Attributes: path, reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def must_exist(path: str) -> None:
    """Raises: BadImage where there is no file."""
    if tar_of(path) is None and not os.path.isfile(path):
        raise BadImage(path, "is missing or not a plain file")


def reason_of(error: Exception) -> str:
    """The first line of what a library has to say."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def read_image(path: str, channels: int, alpha: str = "drop") -> torch.Tensor:
    """uint8 (channels, H, W), turned upright as its EXIF orientation says.

    channels 1 gives luminance and 3 colour, whatever the file holds; deeper files are scaled to 8 bits.
    alpha: drop leaves the colours below transparency; white and black lay them on that.
    Raises: BadImage when the file is damaged, empty, or no image.
    """
    must_exist(path)
    try:
        if os.path.splitext(path)[1].lower() in (*ARRAYS, ".exr"):
            return _from_array(read_image_array(path, channels, alpha))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd but readable files
            return _decode(readable(path), channels, alpha)
    except Exception as error:  # Pillow has many words for a damaged file
        raise BadImage(path, f"cannot be read as an image ({reason_of(error)})") from None


def _decode(source: str | io.BytesIO, channels: int, alpha: str) -> torch.Tensor:
    with Image.open(source) as file:  # reads the header alone
        if file.format == "JPEG" and file.mode in ("L", "RGB"):
            image = _decode_jpeg(source, channels)
            if image is not None:
                return image
        picture = ImageOps.exif_transpose(file)
        if picture.mode.startswith(("I", "F")):  # 16 and 32 bits, which convert() would clip
            picture = _to_8_bits(picture)
        elif alpha != "drop" and picture.has_transparency_data:
            array = np.array(picture.convert("RGBA"))
            picture = Image.fromarray(composited(array, alpha))
        return _from_picture(picture, channels)


def _decode_jpeg(source: str | io.BytesIO, channels: int) -> torch.Tensor | None:
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


def _from_array(array: np.ndarray) -> torch.Tensor:
    """(H, W, C) of values of 8 or 16 bits -> uint8 (C, H, W)."""
    if array.dtype == np.uint16:
        array = array / 257
    elif array.dtype.kind == "f" or array.dtype != np.uint8:
        raise ValueError(f"it holds values of type {array.dtype}, whose range has to be declared")
    levels = np.rint(array).astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)))


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Whole numbers by their 16-bit range; floats by 0..1, or 0..255 where they exceed 1."""
    array = np.asarray(picture).astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError("some of its values are infinite or no numbers")
    if picture.mode.startswith("I"):
        scale = 255 / 65535
    else:
        scale = 255.0 if float(array.max()) <= 1 else 1.0
    return Image.fromarray((array * scale).round().clip(0, 255).astype(np.uint8))
