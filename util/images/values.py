"""What the numbers in images mean: one reading of values, transparency and class numbers for files and for arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from options.ranges import EIGHT_BITS, Range
from util.images.write import from_network, to_network

GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as Pillow weighs them
NO_CLASS = 255  # in label maps: a pixel of no class, unless there are that many classes


class Unfit(ValueError):
    """Values that are not of the kind that was declared; the text goes behind "the image"."""


class WrongChannels(Unfit):
    """An image does not have the channels that it should."""


class Units(NamedTuple):
    """What a generator was trained on.

    Attributes:
        input, output: the values that are -1 and 1 for the network; None where nothing tells.
        labels: number of classes, where inputs are label maps; else 0.
        alpha: a value of --alpha.
    """

    input: Range | None = None
    output: Range | None = None
    labels: int = 0
    alpha: str = "drop"

    @property
    def plain(self) -> bool:
        """Whether images are those of 8 bits that need no declaration."""
        eight = all(one in (None, EIGHT_BITS) for one in (self.input, self.output))
        return eight and not self.labels

    def to_network(self, array: np.ndarray, channels: int) -> torch.Tensor:
        """(H, W) or (H, W, C) of a file's own values -> (1, channels, H, W) in [-1, 1]; label maps may be (H, W).

        Raises: Unfit.
        """
        if self.labels and array.ndim == 2:
            numbers = torch.from_numpy(class_numbers(array[..., None], self.labels))
            return one_hot(numbers.movedim(-1, 0), self.labels)[None] / 127.5 - 1
        bounds = self.input or EIGHT_BITS
        fitted = with_channels(np.atleast_3d(array), channels)
        if not np.isfinite(fitted).all():
            raise Unfit("has values that are infinite or no numbers")
        values = in_units(fitted, bounds, "range_A", deep=bounds != EIGHT_BITS)
        values = np.rint(values.clip(0, 255)) if bounds == EIGHT_BITS else values
        return torch.from_numpy(to_network(values, bounds)).movedim(-1, 0)[None]

    def from_network(self, images: torch.Tensor) -> np.ndarray:
        """(1, C, H, W) -> (H, W, C) of values of the output."""
        array = images[0].movedim(0, -1).float().cpu().numpy()
        return np.ascontiguousarray(from_network(array, self.output or self.input or EIGHT_BITS))


PLAIN = Units()


def in_units(array: np.ndarray, bounds: Range, flag: str, *, deep: bool) -> np.ndarray:
    """Values of another depth than the range's, in the range's units.

    0,255 and 0,65535 stand for all that 8 and 16 bits can hold.

    Args:
        flag: that declares the range, for messages.
        deep: whether more than 8 bits are wanted.
    Raises: Unfit where there is no telling what the values mean.
    """
    low, high, whole = bounds
    declared = f"--{flag} {bounds}"
    if array.dtype.kind == "f" and not deep:
        raise Unfit(f"holds floats, but {declared} stands for 8 bits: declare their range")
    if array.dtype.kind == "f" or array.dtype.itemsize > 2:
        return array
    if not whole and low >= -1 and high <= 1:
        raise Unfit(f"holds whole numbers, but {declared} stands for floats")
    if array.dtype not in (np.uint8, np.uint16):
        return array
    full = np.iinfo(array.dtype).max
    if (low, high) in ((0, 255), (0, 65535)):
        return array if high == full else array * (high / full)
    if full < high:
        raise Unfit(f"holds {full.bit_length()} bits, which is less than {declared}")
    return array


def with_channels(array: np.ndarray, channels: int) -> np.ndarray:
    """(H, W, C) -> (H, W, channels): grey is repeated for colour, colour becomes luminance for grey.

    Raises: WrongChannels where that does not do.
    """
    found = array.shape[-1]
    if (found, channels) == (1, 3):
        return array.repeat(3, axis=-1)
    if (found, channels) == (3, 1):
        grey = array @ GREY[:, None]
        return (grey if array.dtype.kind == "f" else np.rint(grey)).astype(array.dtype)
    if found != channels:
        raise WrongChannels(f"has {found} channels where {channels} are needed")
    return array


def composited(array: np.ndarray, alpha: str) -> np.ndarray:
    """(H, W, C + 1) with transparency last -> (H, W, C), laid on white or black, or with transparency dropped."""
    colours = array[..., :-1]
    if alpha == "drop":
        return colours
    full = 1.0 if array.dtype.kind == "f" else float(np.iinfo(array.dtype).max)
    opaque = array[..., -1:].astype(np.float64) / full
    ground = full if alpha == "white" else 0.0
    laid = colours * opaque + ground * (1 - opaque)
    return (laid if array.dtype.kind == "f" else np.rint(laid)).astype(array.dtype)


def class_numbers(array: np.ndarray, classes: int) -> np.ndarray:
    """(H, W, 1) of class numbers as uint8. Raises: Unfit where there are others."""
    if array.shape[-1] != 1 or array.dtype.kind not in "bui":
        raise Unfit(
            "holds colours or floats, but --label_A needs one class number for each pixel: grey levels, or the "
            "numbers of a palette's colours"
        )
    known = array[(array < 0) | (array >= classes)]
    strange = known[known != NO_CLASS]
    if strange.size:
        raise Unfit(
            f"has the class {strange.flat[0]}, but --label_A {classes} has classes 0 to {classes - 1} "
            f"({NO_CLASS} is none)"
        )
    return array.astype(np.uint8)


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers (1, H, W) -> uint8 (classes, H, W): 255 in each pixel's class, 0 elsewhere and where there is none."""
    numbers = torch.arange(classes, dtype=torch.uint8)[:, None, None]
    return (labels == numbers).to(torch.uint8) * 255
