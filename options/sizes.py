"""Sizes of images, as typed: 256 for a square, 256x512 for a height and a width."""

from __future__ import annotations

import argparse
import re

Typed = int | str  # a square's side, or "HxW": as flags and options.json have it


def size(text: str) -> Typed:
    """Reads a size as it is typed. Raises: argparse's error when it is no size."""
    match = re.fullmatch(r"\s*(\d+)(?:x(\d+))?\s*", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of pixels nor HEIGHTxWIDTH such as 256x512"
        )
    return as_typed((int(match[1]), int(match[2] or match[1])))


def as_typed(size: tuple[int, int]) -> Typed:
    """Writes a height and a width as `size` reads them."""
    height, width = size
    return height if height == width else f"{height}x{width}"


def sides(typed: Typed) -> tuple[int, int]:
    """Splits into height and width. Raises: ValueError when it is no size."""
    if isinstance(typed, int):
        return typed, typed
    height, separator, width = typed.partition("x")
    if not (separator and height.isdecimal() and width.isdecimal()):
        raise ValueError(
            f"{typed!r} is neither a number of pixels nor HEIGHTxWIDTH such as 256x512"
        )
    return int(height), int(width)
