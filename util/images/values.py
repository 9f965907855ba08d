"""Meaning of the numbers in images: ranges, channels, transparency and class numbers, of files and of arrays alike.

A file's values become a network's in this order: channels last, transparency (`composite`), channels
(`with_channels`), units of the range (`in_units`), [-1, 1] (`to_network`). `read.py` and `large_read.py` take files
through it, `Values.to_network` arrays, `from_network` goes back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from options.types import AUTO, EIGHT_BITS, Range

GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as Pillow weighs them
LUMA = np.array([19595, 38470, 7471], np.uint32)  # the same in 1/65536, as Pillow rounds them
NO_CLASS = 255  # in label maps: a pixel of no class, unless there are that many classes


class Unfit(ValueError):
    """Values that are not of the kind that was declared; the text goes behind "the image"."""


class WrongChannels(Unfit):
    """An image does not have the channels that it should."""


@dataclass(frozen=True)
class Values:
    """Meaning of the numbers in the images of one side.

    Attributes:
        side: "A", the input of a generator, or "B", its output.
        channels: channels that the network sees.
        declared: the range whose ends become -1 and 1; None where nothing tells, and 8 bits are assumed.
        labels: number of classes, for label maps; 0 for images.
        alpha: a value of --alpha.
        bands: the channels of a file that are read, of which the first is 1; () for all.
        nodata: the value of pixels that hold nothing: NaN or a number of the file; None where all pixels count.
        like: the file that was looked at to find this out, or nothing.
        page: of files of several planes, as in `parse_page`.
    """

    side: str
    channels: int
    declared: Range | None = None
    labels: int = 0
    alpha: str = "drop"
    bands: tuple[int, ...] = ()
    nodata: float | None = None
    like: str = ""
    page: str = ""

    @property
    def bounds(self) -> Range:
        """The values that become -1 and 1."""
        return self.declared or EIGHT_BITS

    @property
    def flag(self) -> str:
        """The value of --range_A or --range_B that says the same."""
        return str(self.declared or AUTO)

    @property
    def deep(self) -> bool:
        """Whether images are floats from reading on; otherwise they are 8-bit until they are on the device."""
        return self.bounds != EIGHT_BITS or self.nodata is not None

    @property
    def eight_bits(self) -> bool:
        """Whether images are pictures of 8 bits, of any number of channels."""
        return not self.deep and not self.labels

    @property
    def plain(self) -> bool:
        """Whether images are grey or colour of 8 bits."""
        return self.eight_bits and self.channels in (1, 3) and not self.bands

    @property
    def recipe(self) -> object:
        """All that a file's image depends on, besides the file."""
        if self.plain and self.alpha == "drop" and not self.page:
            return self.channels
        recipe: tuple[object, ...] = (self.channels, str(self.bounds), self.deep, self.labels)
        recipe = (*recipe, self.alpha, self.page) if self.page else (*recipe, self.alpha)
        further = (self.bands, self.nodata)
        return recipe if further == ((), None) else recipe + further

    @property
    def dtype(self) -> np.dtype:
        """The type of files that hold the range and `nodata`."""
        bounds, nodata = self.bounds, self.nodata
        if nodata is None or not bounds.whole:
            return dtype_of(bounds)
        if not nodata.is_integer():
            return dtype_of(bounds.as_floats())
        return dtype_of(Range(min(bounds.low, nodata), max(bounds.high, nodata), True))

    def output(self, channels: int, declared: Range | None, labels: int = 0) -> Values:
        """The values of images that a network alone makes of these; unless declared, they are in the same range.

        labels: number of classes where they are label maps.
        """
        bounds = declared or (None if self.labels else self.declared)
        bounds = None if labels else bounds
        return replace(
            self, side="B", channels=channels, declared=bounds, labels=labels, bands=(), page=""
        )

    def selected(self, array: np.ndarray) -> np.ndarray:
        """Takes the bands out of all channels (H, W, C) of a file. Raises: WrongChannels."""
        if not self.bands:
            return array
        if array.shape[-1] < max(self.bands):
            raise WrongChannels(
                f"has {array.shape[-1]} channels, of which --bands_{self.side} "
                f"{','.join(map(str, self.bands))} wants the {max(self.bands)}th"
            )
        return array[..., [band - 1 for band in self.bands]]

    def missing(self, array: np.ndarray) -> np.ndarray | None:
        """(H, W, C) of a file's own values -> (H, W), where any channel holds `nodata`; None where all pixels count."""
        if self.nodata is None:
            return None
        if math.isnan(self.nodata):
            found = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        else:  # the number as the file's type holds it
            found = (
                array == np.float32(self.nodata)
                if array.dtype == np.float32
                else array == self.nodata
            )
        return np.asarray(found.any(-1))

    def in_units(self, array: np.ndarray) -> np.ndarray:
        """Values of any depth in the units of the range. Raises: Unfit."""
        return in_units(array, self.bounds, f"range_{self.side}", deep=self.deep)

    def to_network(self, array: np.ndarray) -> torch.Tensor:
        """(H, W) or (H, W, C) of a file's own values -> (1, channels, H, W) in [-1, 1]; label maps may be (H, W).

        Raises: Unfit.
        """
        if self.labels and array.ndim == 2:
            numbers = torch.from_numpy(class_numbers(array[..., None], self.labels, self.side))
            return one_hot(numbers.movedim(-1, 0), self.labels)[None] / 127.5 - 1
        array = np.atleast_3d(array)
        values = self.fitted(array, with_channels(array, self.channels))
        values = values if self.deep else np.rint(values.clip(0, 255))
        return torch.from_numpy(to_network(values, self.bounds)).movedim(-1, 0)[None]

    def fitted(self, array: np.ndarray, converted: np.ndarray) -> np.ndarray:
        """Values in the units of the range, (H, W, C), NaN where they are missing.

        Args:
            array: (H, W, C) of the file, by which pixels are missing.
            converted: the same in the network's channels.
        Raises: Unfit.
        """
        missing = self.missing(array)
        values = self.in_units(converted)
        if missing is not None and missing.any():
            values = values.astype(np.float64)
            values[missing] = math.nan
        present = values if missing is None else values[~missing]
        if not np.isfinite(present).all():
            raise Unfit(f"holds {NOT_FINITE}")
        return values

    def from_network(self, images: torch.Tensor) -> np.ndarray:
        """(1, C, H, W) in [-1, 1] -> (H, W, C) in the range."""
        return self.in_file(images[0].movedim(0, -1).float().cpu().numpy())

    def numbers(self, array: np.ndarray) -> np.ndarray:
        """(H, W, C) in [-1, 1] -> float64 as a file holds them, NaN where pixels are missing."""
        missing = np.isnan(array)
        values = from_network(np.where(missing, 0, array), self.bounds).astype(np.float64)
        values[missing] = math.nan
        return values

    def in_file(self, array: np.ndarray) -> np.ndarray:
        """(H, W, C) in [-1, 1] -> values as a file holds them; NaN becomes `nodata`.

        Of label maps (H, W, 1), the number of the largest channel; NO_CLASS where none is above -1, or NaN.
        """
        if self.labels:
            best = array.max(axis=-1, keepdims=True)  # NaN where any channel is
            numbers = array.argmax(axis=-1)[..., None].astype(np.uint8)
            return np.where(best > -1, numbers, np.uint8(NO_CLASS))
        if self.nodata is None:
            return np.ascontiguousarray(from_network(array, self.bounds))
        missing = np.isnan(array)
        values = from_network(np.where(missing, 0, array), self.bounds).astype(self.dtype)
        values[missing] = self.nodata
        return values


NOT_FINITE = (
    "infinite values or NaN; if NaN marks pixels without data, --nodata nan leaves them out"
)
INPUTS, OUTPUTS = Values("A", 3), Values("B", 3)  # colour, where nothing says more


def to_network(values: np.ndarray, bounds: Range) -> np.ndarray:
    """Values (..., C) of any type -> float32 in [-1, 1]; what lies outside the range is clipped.

    Exact to float32's 24 bits: whole numbers of up to 16 bits come back from `from_network` as they were.
    """
    low, high = ends(bounds)
    half = (high - low) / 2
    scaled = (values.astype(np.float64) - (low + half)) / half
    return scaled.clip(-1, 1).astype(np.float32)


def from_network(images: np.ndarray, bounds: Range) -> np.ndarray:
    """float32 in [-1, 1] -> values in the range, in `dtype_of` it."""
    low, high = ends(bounds)
    half = (high - low) / 2
    values = images.astype(np.float64) * half + (low + half)
    values = values.clip(low, high)
    return (np.rint(values) if bounds.whole else values).astype(dtype_of(bounds))


def ends(bounds: Range) -> tuple[Any, Any]:
    """Low and high: of the image, or (C,) of its channels, where each has a range of its own."""
    if not bounds.channels:
        return bounds.low, bounds.high
    channels = bounds.channels
    return np.array([one.low for one in channels]), np.array([one.high for one in channels])


def dtype_of(bounds: Range) -> np.dtype:
    """The smallest type of whole numbers that holds the range, or float32."""
    if bounds.whole:
        for kind in (np.uint8, np.int8, np.uint16, np.int16, np.int32):
            limits = np.iinfo(kind)
            if limits.min <= bounds.low and bounds.high <= limits.max:
                return np.dtype(kind)
    return np.dtype(np.float32)


def in_units(array: np.ndarray, bounds: Range, flag: str, *, deep: bool) -> np.ndarray:
    """Values of another depth than the range's, in the range's units.

    0,255 and 0,65535 stand for all that 8 and 16 bits can hold.

    Args:
        flag: that declares the range, for messages.
        deep: whether more than 8 bits are wanted.
    Raises: Unfit where there is no telling what the values mean.
    """
    low, high, whole, channels = bounds
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
    if (low, high) in ((0, 255), (0, 65535)) and not channels:
        return array if high == full else array * (high / full)
    if full < high:
        raise Unfit(f"holds {full.bit_length()} bits, which is less than {declared}")
    return array


def to_8_bits(array: np.ndarray) -> np.ndarray:
    """Values whose range nobody declared -> uint8: whole numbers by the range of 16 bits, floats by 0 to 1, or 0 to 255
    where they exceed 1.

    Raises: ValueError for NaN and infinity.
    """
    if array.dtype == np.uint8:
        return array
    array, floats = array.astype(np.float64), array.dtype.kind == "f"
    if not np.isfinite(array).all():
        raise ValueError("some of its values are infinite or no numbers")
    scale = 255 / 65535 if not floats else 255.0 if float(array.max()) <= 1 else 1.0
    return (array * scale).round().clip(0, 255).astype(np.uint8)


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


def composite(array: np.ndarray, alpha: str) -> np.ndarray:
    """(H, W, C + 1) with transparency last -> (H, W, C), laid on white or black, or with transparency dropped."""
    colours = array[..., :-1]
    if alpha == "drop":
        return colours
    full = 1.0 if array.dtype.kind == "f" else float(np.iinfo(array.dtype).max)
    opaque = array[..., -1:].astype(np.float64) / full
    ground = full if alpha == "white" else 0.0
    laid = colours * opaque + ground * (1 - opaque)
    return (laid if array.dtype.kind == "f" else np.rint(laid)).astype(array.dtype)


def class_numbers(array: np.ndarray, classes: int, side: str) -> np.ndarray:
    """(H, W, 1) of class numbers as uint8; side: whose. Raises: Unfit where there are others."""
    if array.shape[-1] != 1 or array.dtype.kind not in "bui":
        raise Unfit(
            f"holds colours or floats, but --label_{side} needs one class number for each pixel: grey levels, or the "
            "numbers of a palette's colours"
        )
    others = array[(array < 0) | (array >= classes)]
    strange = others[others != NO_CLASS]
    if strange.size:
        raise Unfit(
            f"has the class {strange.flat[0]}, but --label_{side} {classes} has classes 0 to {classes - 1} "
            f"({NO_CLASS} is none)"
        )
    return array.astype(np.uint8)


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers (1, H, W) -> uint8 (classes, H, W): 255 in each pixel's class, 0 elsewhere and where there is none."""
    numbers = torch.arange(classes, dtype=torch.uint8)[:, None, None]
    return (labels == numbers).to(torch.uint8) * 255
