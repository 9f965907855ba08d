"""Tensors <-> pictures, and sizes that a network can take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image

RUN_LENGTHS = 3  # zlib's Z_RLE
SIDES = {  # name of an image in a model -> "A", the domain of its inputs, or "B", that of its outputs
    **dict.fromkeys(("real", "real_A", "fake_A", "rec_A", "idt_B"), "A"),
    **dict.fromkeys(("fake", "real_B", "fake_B", "rec_B", "idt_A"), "B"),
}


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """(..., C, H, W) in [-1, 1] -> (..., H, W, 3), or (..., H, W) for one channel, as nearest grey levels 0..255."""
    levels = ((images.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    array = levels.movedim(-3, -1).contiguous().cpu().numpy()
    if array.shape[-1] == 2:  # no picture has two channels: show the first two as red and green
        array = np.concatenate([array, np.zeros_like(array[..., :1])], axis=-1)
    return array[..., 0] if array.shape[-1] == 1 else np.ascontiguousarray(array[..., :3])


def stretched(size: tuple[int, int], aspect_ratio: float) -> tuple[int, int]:
    """Width and height, the one of which is stretched that has to grow."""
    width, height = size
    if aspect_ratio > 1:
        return width, round(height * aspect_ratio)
    return round(width / aspect_ratio), height


def save_image(path: Path, image: np.ndarray, aspect_ratio: float = 1.0) -> None:
    """Writes a PNG into a folder that need not be there; aspect_ratio stretches the height (> 1) or the width (< 1)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, image, aspect_ratio)


def write_png(
    target: Path | IO[bytes], image: np.ndarray | Image.Image, aspect_ratio: float = 1.0
) -> None:
    """Writes a PNG, at a path or into an open file."""
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    size = stretched(picture.size, aspect_ratio)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    # Against Pillow's own choice 2 to 6 times faster, and as large.
    picture.save(target, format="PNG", compress_level=1, compress_type=RUN_LENGTHS)


def read_picture(path: Path) -> np.ndarray:
    """Reads one of our own pictures back: (H, W, 3) or (H, W) uint8."""
    with Image.open(path) as picture:
        return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))


def write_jpeg(file: str | Path | IO[bytes], image: np.ndarray) -> None:
    """Writes a uint8 (H, W, 3) or (H, W) array as JPEG, with colours at full resolution."""
    Image.fromarray(image).save(file, "JPEG", quality=92, subsampling=0)


def mirrored(length: int, padded: int) -> torch.Tensor:
    """Indices 0 .. length-1 continued by mirroring without repeating the edge, for any padding."""
    period = max(1, 2 * length - 2)
    index = torch.arange(padded) % period
    return torch.where(index < length, index, period - index)


def padded_sides(height: int, width: int, multiple: int, least: int = 8) -> tuple[int, int]:
    """The multiples that `pad_to_multiple` goes to."""
    rows, columns = (-(-max(side, least) // multiple) * multiple for side in (height, width))
    return rows, columns


def pad_to_multiple(images: torch.Tensor, multiple: int, least: int = 8) -> torch.Tensor:
    """Mirrors (N, C, H, W) to the right and bottom until both sides are multiples, `least` or more.

    Eight pixels leave the two that reflection padding needs after a ResNet's two halvings.
    """
    height, width = images.shape[-2:]
    rows, columns = padded_sides(height, width, multiple, least)
    if rows != height:
        images = images.index_select(-2, mirrored(height, rows).to(images.device))
    if columns != width:
        images = images.index_select(-1, mirrored(width, columns).to(images.device))
    return images


def at_any_size(
    network: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, multiple: int
) -> torch.Tensor:
    """Runs a network that wants sides divisible by `multiple`; the result has the input's size."""
    height, width = images.shape[-2:]
    return network(pad_to_multiple(images, multiple))[..., :height, :width]
