"""Types of flags' values: how text becomes paths, switches, counts, sizes of images and ranges of values."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

TypedSize = int | str  # a square's side, or "HxW": as flags and options.json have it
AUTO = "auto"
MEASURE = "measure"  # of --range_A and --range_B: the values of the training split


def path(text: str) -> str:
    """Reads a path; ~ is the home folder, which no shell puts into --dataroot=~/mine."""
    return os.path.expanduser(text)


def yes_or_no(text: str) -> bool:
    """The optional value of a switch, as the code of CUT has it."""
    words = dict.fromkeys(("yes", "true", "t", "y", "1"), True)
    words |= dict.fromkeys(("no", "false", "f", "n", "0"), False)
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false") from None


def count_or_inf(text: str) -> float:
    """Reads a whole number, or 'inf' for no limit."""
    if text.strip().lower() in ("inf", "all"):
        return math.inf
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor 'inf'") from None


def size(text: str) -> TypedSize:
    """Reads a size as it is typed. Raises: argparse's error when it is no size."""
    match = re.fullmatch(r"\s*(\d+)(?:x(\d+))?\s*", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of pixels nor HEIGHTxWIDTH such as 256x512"
        )
    return as_typed((int(match[1]), int(match[2] or match[1])))


def as_typed(size: tuple[int, int]) -> TypedSize:
    """Writes a height and a width as `size` reads them."""
    height, width = size
    return height if height == width else f"{height}x{width}"


def sides(typed: TypedSize) -> tuple[int, int]:
    """Splits into height and width. Raises: ValueError when it is no size."""
    if isinstance(typed, int):
        return typed, typed
    height, separator, width = typed.partition("x")
    if not (separator and height.isdecimal() and width.isdecimal()):
        raise ValueError(
            f"{typed!r} is neither a number of pixels nor HEIGHTxWIDTH such as 256x512"
        )
    return int(height), int(width)


class Range(NamedTuple):
    """low becomes -1 and high 1. whole: values are whole numbers, and are rounded when they are written.

    channels: a range for each channel, if each has its own; low and high are then the least and the largest of all.
    """

    low: float
    high: float
    whole: bool
    channels: tuple[Range, ...] = ()

    def __str__(self) -> str:
        """Writes 0,255 for whole numbers, 0.0,1.0 for others: `parse_range` reads the difference."""
        if self.channels:
            return ";".join(map(str, self.channels))
        if self.whole:
            return f"{int(self.low)},{int(self.high)}"
        return f"{self.low!r},{self.high!r}"

    @classmethod
    def of_channels(cls, channels: Sequence[Range]) -> Range:
        """Puts the ranges of all channels together; that of one channel is a range of the whole image."""
        if len(channels) == 1:
            return channels[0]
        whole = all(one.whole for one in channels)
        alike = tuple(one._replace(whole=whole) for one in channels)
        return cls(min(one.low for one in alike), max(one.high for one in alike), whole, alike)

    def as_floats(self) -> Range:
        """Returns the same range of values that are not whole numbers."""
        parts = tuple(one._replace(whole=False) for one in self.channels)
        return self._replace(whole=False, channels=parts)


EIGHT_BITS = Range(0, 255, True)
PAGE = re.compile(r"\d{1,9}|[a-wz]=\d{1,9}(,[a-wz]=\d{1,9})*")


def parse_page(text: str) -> dict[str, int]:
    """Reads the page of one side: {"": 3} for 3, {"z": 5, "c": 0} for z=5,c=0, {} for nothing.

    Raises: ValueError.
    """
    if not text:
        return {}
    if not PAGE.fullmatch(text):
        raise ValueError(
            f"--page {text!r} is neither a number, from 0, nor places along axes such as z=5 or c=0,z=5"
        )
    words = [word.rpartition("=") for word in text.split(",")]
    return {name: int(number) for name, _, number in words}


def pages_of(text: str) -> tuple[str, str]:
    """Splits a value of --page into those of A and B. Raises: ValueError."""
    A, separator, B = text.replace(" ", "").lower().partition(";")
    for page in (A, B):
        parse_page(page)
    return A, B if separator else A


def parse_range(name: str, text: str) -> Range | None:
    """Reads the Range that a flag's value names; None for "auto".

    Raises: ValueError that names the flag.
    """
    if text == AUTO:
        return None
    return Range.of_channels([_parse_one(name, part) for part in text.split(";")])


def _parse_one(name: str, text: str) -> Range:
    words = text.split(",")
    try:
        low, high = map(float, words)
    except ValueError:
        raise ValueError(
            f"--{name} {text!r} is neither auto nor two numbers such as 0,65535"
        ) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"--{name} {text!r}: the first number must be less than the second")
    whole = all(word.strip().lstrip("+-").isdecimal() for word in words)
    return Range(low, high, whole)


def parse_bands(name: str, text: str) -> tuple[int, ...]:
    """Reads numbers of bands, of which the first is 1; () for all. Raises: ValueError that names the flag."""
    words = [word.strip() for word in text.split(",")] if text else []
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise ValueError(
            f"--{name} {text!r} is not a list of bands such as 4,3,2 (the first band is 1)"
        )
    return tuple(map(int, words))


def parse_names(name: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Reads names separated by commas, each one of the known; () for "". Raises: ValueError that names the flag."""
    words = [word.strip() for word in text.split(",")] if text else []
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"--{name} {unknown[0]!r}: choose from {', '.join(known)}")
    return tuple(words)


def parse_nodata(text: str) -> float | None:
    """Reads the value of pixels that hold nothing, which may be NaN; None for "". Raises: ValueError."""
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.inf
    if value is not None and math.isinf(value):
        raise ValueError(f"--nodata {text!r} is neither nan nor a number")
    return value
