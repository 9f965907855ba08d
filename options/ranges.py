"""Ranges of values, as typed: what in an image file becomes a network's -1 and 1."""

from __future__ import annotations

import math
from typing import NamedTuple

AUTO = "auto"


class Range(NamedTuple):
    """low becomes -1 and high 1. whole: values are whole numbers, and are rounded when they are written."""

    low: float
    high: float
    whole: bool

    def __str__(self) -> str:
        """Writes 0,255 for whole numbers, 0.0,1.0 for others: `parse_range` reads the difference."""
        if self.whole:
            return f"{int(self.low)},{int(self.high)}"
        return f"{self.low!r},{self.high!r}"


EIGHT_BITS = Range(0, 255, True)


def parse_range(name: str, text: str) -> Range | None:
    """Reads the Range that a flag's value names; None for "auto".

    Raises: ValueError that names the flag.
    """
    if text == AUTO:
        return None
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
