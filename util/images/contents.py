"""The content of image files: channels, type and values, measured over many of them, and the range that fits."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from options.types import Range
from options.wording import count
from util.images.detect_values import Kind, natural_range
from util.images.read import channels_last, read_pixels
from util.images.values import Values

T = TypeVar("T")
FILLED = 0.25  # share of a range below which it is called nearly empty
OUTLIERS = 0.1  # percent of the values at each end that do not count as filling a range
CLIPPED = 0.01  # percent of the values at each end that a fitting range may leave out
SAMPLED = 1000  # files of a side that are measured at most
LARGEST = 25_000_000  # values of a file that is looked at
KEPT = 4_000_000  # values of all files that percentiles are taken from
LEAST = 1000  # pixels of each file, of which these are


class Sample(NamedTuple):
    """Some pixels of a part of a file.

    Attributes:
        pixels: (n, C), finite, and none that --nodata leaves out.
        low, high: ends of all such values; NaN where there are none.
        dtype: the file's type.
        lost: values of all that are infinite or NaN, though --nodata does not say so.
        total: number of all.
    """

    pixels: np.ndarray
    low: float
    high: float
    dtype: np.dtype
    lost: int
    total: int


@dataclass(frozen=True)
class Contents:
    """The content of some files of a side.

    Attributes:
        files, of: number of files that were measured, and of all.
        channels: channels, without transparency.
        dtype: the type of the first file's values.
        low, high: least and largest value.
        percentiles: the values that OUTLIERS, 50 and 100 - OUTLIERS percent lie below.
        ends: of each channel the values that CLIPPED and 100 - CLIPPED percent lie below.
        lost: share of the values that are infinite or NaN.
    """

    files: int
    of: int
    channels: int
    dtype: np.dtype
    low: float
    high: float
    percentiles: tuple[float, float, float]
    ends: tuple[tuple[float, float], ...]
    lost: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers."""
        return self.dtype.kind in "bui"

    def __str__(self) -> str:
        first, middle, last = (f"{value:g}" for value in self.percentiles)
        files = count(self.files, "file")
        if self.files < self.of:
            files = f"{self.files} of {self.of} files, evenly chosen"
        lost = f", {self.lost:.2%} infinite or NaN" if self.lost else ""
        text = (
            f"{count(self.channels, 'channel')} of {self.dtype}, values {self.low:g} to "
            f"{self.high:g} (99.8 % within {first} to {last}, median {middle}; {files}{lost})"
        )
        if self.unlike:
            each = ", ".join(f"{low:g} to {high:g}" for low, high in self.ends)
            text += f"; by channel {each}"
        return text

    @property
    def unlike(self) -> bool:
        """Whether a channel would fill less than FILLED of a range that all share."""
        low, high = min(low for low, _ in self.ends), max(high for _, high in self.ends)
        least = min(high - low for low, high in self.ends)
        return len(self.ends) > 1 and self.dtype != np.uint8 and least < FILLED * (high - low)

    def fills(self, bounds: Range) -> float:
        """The share of a range that the values take, without outliers; 0,255 and 0,65535 are all that a type can hold.

        Where channels have ranges of their own, that of the emptiest.
        """
        if bounds.channels:
            both = zip(self.ends, bounds.channels, strict=False)
            return min((high - low) / (one.high - one.low) for (low, high), one in both)
        first, _, last = self.percentiles
        full = (bounds.low, bounds.high) in ((0, 255), (0, 65535))
        if full and self.dtype in (np.uint8, np.uint16):
            return (last - first) / np.iinfo(self.dtype).max
        return (last - first) / (bounds.high - bounds.low)

    def fitting_range(self) -> Range:
        """The range that holds all but CLIPPED percent of the values at each end, rounded outward to two digits.

        It begins at 0 if that is near. Channels that are unlike have ranges of their own.
        """
        if self.unlike:
            return Range.of_channels([self._rounded(low, high) for low, high in self.ends])
        return self._rounded(min(e[0] for e in self.ends), max(e[1] for e in self.ends))

    def _rounded(self, low: float, high: float) -> Range:
        low = 0.0 if 0 <= low <= high / 4 else low
        step = 10.0 ** (math.floor(math.log10(max(high - low, 1e-30))) - 1)
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
        if not self.whole:
            low, high = float(f"{low:.6g}"), float(f"{high:.6g}")
            return Range(low, high if low < high else low + 1.0, False)
        low, high = round(low), max(round(high), round(low) + 1)
        usual = natural_range(Kind(self.dtype, 8 * self.dtype.itemsize))
        if usual and self.dtype.itemsize <= 2:  # what its type cannot hold is in no file
            low, high = max(low, usual.low), min(high, usual.high)
        return Range(low, high, True)


def evenly(items: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of the items, in their order and from all parts of the list."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


def measure_contents(
    paths: Sequence[str], parts: int = 1, values: Sequence[Values] = (), most: int = SAMPLED
) -> list[Contents]:
    """Measures the parts, left to right, of at most `most` of the files; [] when none can be read.

    values: of each part, the page and the bands that are read, and pixels that hold nothing.
    """
    chosen = evenly(paths, most)
    keep = max(LEAST, KEPT // max(1, len(chosen)))
    sides = values or [Values("", 0)] * parts
    with (
        warnings.catch_warnings(),  # what readers do in threads puts back each other's filters
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
    ):
        warnings.simplefilter("ignore")
        found = [one for one in pool.map(lambda path: _sample(path, sides, keep), chosen) if one]
    if not found or any(
        all(math.isnan(one.low) for one in side) for side in zip(*found, strict=True)
    ):
        return []
    return [_summary(side, len(paths)) for side in zip(*found, strict=True)]


def _sample(path: str, sides: Sequence[Values], keep: int) -> list[Sample]:
    """Pixels of each part of a file; [] where they cannot be had, or take long."""
    array = _array(path, sides[0].page)
    if array is None or array.shape[1] < len(sides):
        return []
    width = array.shape[1] // len(sides)
    try:
        parts = [
            (one, one.selected(array[:, i * width : (i + 1) * width]))
            for i, one in enumerate(sides)
        ]
    except ValueError:  # bands that are not there, as the reader says
        return []
    return [_of_part(one, part, keep) for one, part in parts]


def _of_part(values: Values, array: np.ndarray, keep: int) -> Sample:
    pixels = array.reshape(-1, array.shape[-1])
    missing = values.missing(array)
    if missing is not None:
        pixels = pixels[~missing.reshape(-1)]
    count, lost = pixels.size, 0
    if pixels.dtype.kind == "f" and not (finite := np.isfinite(pixels)).all():
        lost = int((~finite).sum())
        pixels = pixels[finite.all(-1)]
    if not len(pixels):
        return Sample(np.zeros((0, array.shape[-1])), math.nan, math.nan, array.dtype, lost, count)
    # An odd step does not keep to columns of images whose width is even.
    some = pixels[:: max(1, len(pixels) // keep) | 1].astype(np.float64)
    return Sample(some, float(pixels.min()), float(pixels.max()), array.dtype, lost, count)


def _array(path: str, page: str) -> np.ndarray | None:
    """(H, W, C) in the file's type, without transparency; None where that cannot be had, or takes long."""
    try:
        array, transparent, pages = read_pixels(path, page)
        # The shorter end holds channels.
        array = channels_last(array, min(array.shape[0], array.shape[-1]), pages)
    except Exception:  # the reader says what is wrong with a file
        return None
    if array.dtype.kind not in "buif" or array.size > LARGEST:
        return None
    array = array.astype(np.uint8) * 255 if array.dtype.kind == "b" else array
    return array[..., :-1] if transparent else array


def _summary(samples: Sequence[Sample], files: int) -> Contents:
    channels, dtype = samples[0].pixels.shape[1], samples[0].dtype
    alike = [one.pixels for one in samples if one.pixels.shape[1] == channels and len(one.pixels)]
    pixels = np.concatenate(alike or [one.pixels for one in samples if len(one.pixels)][:1])
    first, middle, last = np.percentile(pixels, [OUTLIERS, 50, 100 - OUTLIERS])
    ends = np.percentile(pixels, [CLIPPED, 100 - CLIPPED], axis=0).T
    return Contents(
        len(samples),
        files,
        channels,
        dtype,
        float(np.nanmin([one.low for one in samples])),
        float(np.nanmax([one.high for one in samples])),
        (float(first), float(middle), float(last)),
        tuple((float(low), float(high)) for low, high in ends),
        sum(one.lost for one in samples) / max(1, sum(one.total for one in samples)),
    )
