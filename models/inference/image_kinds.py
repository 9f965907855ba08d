"""Pictures, arrays, tensors and files -> network tensors, and results back into the kind they came as."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from util.images.label_maps import class_palette
from util.images.nodata import fill_missing, mark_missing
from util.images.read import BadImage, read_picture
from util.images.values import GREY, Unfit, Values, composite

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> what Pillow calls it
SLACK = 0.1  # by which floats may leave their range, as after resizing; more is a mistake

Back = Callable[[torch.Tensor], Any]  # (N, C, H, W) in [-1, 1] -> the kind that was given


def to_network(image: Any, inputs: Values, outputs: Values) -> tuple[torch.Tensor, Back]:
    """Makes (N, channels, H, W) in [-1, 1] of an image of any kind, and a function that makes its kind of results.

    Where inputs or outputs are more than pictures of 8 bits, arrays hold a file's own values, and arrays of results
    those of the output.
    Raises: ValueError when it is of no kind, shape, type or range that can be taken.
    """
    if isinstance(image, (str, os.PathLike)):
        image = _read(os.fspath(image))
    if isinstance(image, Image.Image):
        images, back = _of_picture(image, inputs, outputs)
        return images, (lambda result: class_picture(outputs, result)) if outputs.labels else back
    if isinstance(image, np.ndarray):
        if inputs.eight_bits and outputs.eight_bits:
            return _of_array(image, inputs.channels)
        return _of_values(image, inputs, outputs)
    if isinstance(image, torch.Tensor):
        return _of_tensor(image, inputs.channels)
    raise ValueError(
        f"an image is a PIL image, a NumPy array, a tensor or a path, not {type(image).__name__}"
    )


def _read(path: str) -> Image.Image:
    try:
        return read_picture(path)
    except BadImage as bad:
        raise ValueError(str(bad)) from None


def _of_picture(picture: Image.Image, inputs: Values, outputs: Values) -> tuple[torch.Tensor, Back]:
    channels, own_values = inputs.channels, not (inputs.eight_bits and outputs.eight_bits)
    if inputs.labels:
        picture = picture.convert("L") if picture.mode == "1" else picture
        return _of_values(np.array(picture), inputs, outputs)[0], _picture
    if inputs.alpha != "drop" and channels != 4 and picture.has_transparency_data:
        picture = Image.fromarray(composite(np.array(picture.convert("RGBA")), inputs.alpha))
    if own_values and picture.mode.startswith(("I", "F")):
        return _of_values(np.asarray(picture), inputs, outputs)[0], _picture
    if channels not in MODES:
        raise ValueError(
            f"this network takes {channels} channels, no picture: give arrays or tensors"
        )
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bits, which convert() would clip
        array = np.asarray(picture).astype(np.float32)
        unscaled = picture.mode.startswith("F") and array.max(initial=0) <= 1
        array /= np.float32(1 if unscaled else 255 if picture.mode.startswith("F") else 65535)
        return _of_array(array.clip(0, 1), channels)[0], _picture
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # or Pillow warns of what comes next
    array = np.array(picture.convert(MODES[channels]))
    if own_values:
        return _of_values(array, inputs, outputs)[0], _picture
    return _of_array(array, channels)[0], _picture


def class_picture(values: Values, images: torch.Tensor) -> Image.Image:
    """(1, K, H, W) scores of classes -> a picture whose palette's numbers are the classes."""
    picture = Image.fromarray(values.from_network(images)[..., 0])
    picture.putpalette(class_palette(values.labels).tobytes())
    return picture


def _picture(images: torch.Tensor) -> Image.Image:
    array = _array(images, np.dtype(np.uint8), flat=True)
    if array.ndim == 3 and array.shape[-1] not in MODES:
        raise ValueError(
            f"this network gives {array.shape[-1]} channels, no picture: give an array"
        )
    return Image.fromarray(array)


def _of_array(array: np.ndarray, channels: int) -> tuple[torch.Tensor, Back]:
    """(H, W) or (H, W, C): uint8, uint16, or floats in [0, 1]."""
    found = f"an array of shape {array.shape} and type {array.dtype}"
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"an image is an array (H, W) or (H, W, C) that is not empty, not {found}")
    dtype, flat = array.dtype, array.ndim == 2
    if dtype == np.uint8 or dtype == np.uint16:
        levels = array.astype(np.float32, order="C")  # a copy, in the machine's order of bytes
        levels /= np.float32(np.iinfo(dtype).max / 2)
        levels -= 1
    elif np.issubdtype(dtype, np.floating):
        _check_range(float(array.min()), float(array.max()), 0, "an array of floats")
        levels = array.astype(np.float32, order="C") * 2 - 1
    else:
        raise ValueError(f"arrays are uint8, uint16 or floats in [0, 1], not {found}")
    images = torch.from_numpy(np.atleast_3d(levels)).permute(2, 0, 1)[None]
    return _fit(images, channels, found), lambda result: _array(result, dtype, flat)


def _of_values(array: np.ndarray, inputs: Values, outputs: Values) -> tuple[torch.Tensor, Back]:
    """(H, W) or (H, W, C) of a file's own values."""
    found = f"an array of shape {array.shape} and type {array.dtype}"
    if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind not in "buif":
        raise ValueError(f"images are (H, W) or (H, W, C) of numbers and not empty, not {found}")
    try:
        images = inputs.to_network(array)
    except Unfit as error:
        raise ValueError(f"the image {error}") from None

    valid = None
    if inputs.nodata is not None:
        images, valid = fill_missing(images)

    def back(result: torch.Tensor) -> np.ndarray:
        marked = result if valid is None else mark_missing(result, valid.to(result.device))
        values = outputs.from_network(marked)
        return values[..., 0] if array.ndim == 2 and values.shape[-1] == 1 else values

    return images, back


def _array(images: torch.Tensor, dtype: np.dtype[Any], flat: bool) -> np.ndarray:
    """(1, C, H, W) as (H, W, C); flat: (H, W) where there is one channel."""
    result = images[0].permute(1, 2, 0).float().cpu()
    if np.issubdtype(dtype, np.integer):
        most = np.iinfo(dtype).max
        array = ((result + 1) * (most / 2)).round().clamp(0, most).numpy().astype(dtype)
    else:
        array = ((result + 1) / 2).numpy().astype(dtype)
    return array[..., 0] if flat and array.shape[-1] == 1 else np.ascontiguousarray(array)


def _of_tensor(tensor: torch.Tensor, channels: int) -> tuple[torch.Tensor, Back]:
    """(C, H, W) or (N, C, H, W): uint8, or floats in [-1, 1]."""
    found = f"a tensor of shape {tuple(tensor.shape)} and type {tensor.dtype}"
    if tensor.dim() not in (3, 4) or tensor.numel() == 0:
        raise ValueError(f"images are (C, H, W) or (N, C, H, W) and not empty, not {found}")
    tensor, dtype, alone = tensor.detach(), tensor.dtype, tensor.dim() == 3
    if dtype == torch.uint8:
        images = tensor.float() / 127.5 - 1
    elif dtype.is_floating_point:
        _check_range(float(tensor.min()), float(tensor.max()), -1, "a tensor of floats")
        images = tensor.float()
    else:
        raise ValueError(f"tensors are uint8 or floats in [-1, 1], not {found}")

    def back(result: torch.Tensor) -> torch.Tensor:
        if dtype == torch.uint8:
            result = ((result + 1) * 127.5).round().clamp(0, 255)
        result = result.to(dtype)
        return result[0] if alone else result

    return _fit(images[None] if alone else images, channels, found), back


def _check_range(least: float, most: float, start: int, what: str) -> None:
    if not (least >= start - SLACK and most <= 1 + SLACK):  # NaN fails too
        raise ValueError(
            f"{what} has values in [{start}, 1], not from {least:g} to {most:g}: scale it, or give uint8"
        )


def _fit(images: torch.Tensor, channels: int, found: str) -> torch.Tensor:
    """Grey images for a network of colour have three equal channels, colours for one of grey become luminance."""
    given = images.shape[1]
    if given == channels:
        return images
    if (given, channels) == (1, 3):
        return images.expand(-1, 3, -1, -1)
    if (given, channels) == (3, 1):
        weights = images.new_tensor(GREY.tolist())
        return (images * weights[:, None, None]).sum(1, keepdim=True)
    advice = "; leave the alpha channel out" if (given, channels) == (4, 3) else ""
    raise ValueError(f"this network takes images of {channels} channels, not {found}{advice}")
