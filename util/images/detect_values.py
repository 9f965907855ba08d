"""Ranges of values that are left to be found out: from the first file of a side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from options.types import EIGHT_BITS, Range, parse_range
from util.errors import InputError
from util.images.names import NO_PICTURES, suffix_of
from util.images.packages import image_package
from util.images.read import (
    BadImage,
    image_source,
    is_deep_colour,
    opened,
    read_array,
    read_class_numbers,
    read_pixels,
)
from util.images.stacks import Source
from util.images.values import Values, WrongChannels

TRIED = 10  # files, in search of one that can be read
MAX_SAMPLE_VALUE = 281  # a TIFF tag


class Kind(NamedTuple):
    """The type of a file's values. bits: that count, where they are whole numbers without sign."""

    dtype: np.dtype
    bits: int


def detect_values(
    side: str,
    paths: Sequence[str],
    channels: int,
    text: str,
    *,
    labels: int = 0,
    alpha: str = "drop",
    page: str = "",
    bands: tuple[int, ...] = (),
    nodata: float | None = None,
) -> Values:
    """Finds out what the values in these files mean, from the first that can be read.

    text: a value of --range_A or --range_B, but for "measure".
    Raises: InputError when the range has to be declared, or the number of channels is not that of the files.
    """
    declared = parse_range(f"range_{side}", text)
    found = next(((path, kind) for path in paths[:TRIED] if (kind := kind_of(path, page))), None)
    if labels:
        if labels == 2:
            _refuse_masks(side, paths[:TRIED], page)
        return Values(side, labels, labels=labels, like=found[0] if found else "", page=page)
    known = Values(side, channels, declared or EIGHT_BITS, alpha=alpha, page=page)
    known = replace(known, bands=bands, nodata=nodata)
    if bands and len(bands) != channels:
        flag = "input_nc" if side == "A" else "output_nc"
        raise InputError(
            f"--bands_{side} chooses {len(bands)} channels: give --{flag} {len(bands)}, not {channels}"
        )
    if declared and declared.channels and len(declared.channels) != channels:
        raise InputError(
            f"--range_{side} has {len(declared.channels)} ranges for {channels} channels: give one, or one for each"
        )
    if found is None:  # the reader says why
        return known
    path, kind = found
    bounds = declared or _range_of(known, path, kind)
    if declared and kind.dtype.kind == "f":
        bounds = declared.as_floats()
    values = replace(known, declared=bounds, like=path)
    if page or not values.plain:
        _check_channels(values)
    return values


def _refuse_masks(side: str, paths: Sequence[str], page: str) -> None:
    """Raises: InputError where label maps of two classes hold 0 and 255, which is no class, and never 1."""
    whole: set[int] = set()
    for path in paths:
        with suppress(BadImage):  # named when its turn comes
            whole |= set(read_class_numbers(path, page).ravel().tolist())
        if 1 in whole:
            return
    if 255 in whole:
        raise InputError(
            f"--label_{side} 2 means classes 0 and 1, but {paths[0]} and others hold 255 and never 1, and 255 stands for no "
            f"class: save these masks with 1 in place of 255, or leave out --label_{side} and use "
            f"--{'input_nc' if side == 'A' else 'output_nc'} 1"
        )


def _check_channels(values: Values) -> None:
    """Raises: InputError where the first file shows that the flags are not those of the data set."""
    try:
        read_array(values.like, values)
    except WrongChannels as error:
        flag = "input_nc" if values.side == "A" else "output_nc"
        raise InputError(
            f"--{flag} {values.channels} does not fit: {values.like} {error}"
        ) from None
    except Exception:  # a bad image, to be stopped at or skipped when its turn comes
        return


def kind_of(path: str, page: str = "") -> Kind | None:
    """The kind of values in a file, from its header if possible; None if it cannot be read."""
    suffix = suffix_of(path)
    try:
        source = image_source(path)
        if suffix in (".tif", ".tiff"):
            return _tiff_kind(source)
        dtype = (
            read_pixels(path, page).array.dtype if suffix in NO_PICTURES else _pillow_type(source)
        )
    except InputError:
        raise
    except Exception:  # the reader says what is wrong with a file
        return None
    return Kind(dtype, 8 * dtype.itemsize)


def _pillow_type(source: Source) -> np.dtype:
    with opened(source) as file:
        mode, is_png = file.mode, file.format == "PNG"
    if is_png and mode in ("RGB", "RGBA", "LA"):  # Pillow does not tell how deep they are
        return np.dtype(np.uint16 if is_deep_colour(source) else np.uint8)
    if mode.startswith("I;16"):
        return np.dtype(np.uint16)
    return np.dtype({"I": np.int32, "F": np.float32}.get(mode, np.uint8))


def _tiff_kind(source: Source) -> Kind:
    with image_package("tifffile").TiffFile(source) as file:
        page = file.pages[0]
        dtype, bits = np.dtype(page.dtype), page.bitspersample
        highest = page.tags.get(MAX_SAMPLE_VALUE)
    if dtype == np.bool_:
        dtype, bits = np.dtype(np.uint8), 8
    if highest is not None and dtype == np.uint16:
        # Some programs write the image's own maximum there: it counts if it is what so many bits can hold.
        value = max(np.atleast_1d(highest.value).tolist())
        if value in [2**n - 1 for n in range(9, 16)]:
            bits = int(value).bit_length()
    return Kind(dtype, bits)


def natural_range(kind: Kind, low: float = 0, high: float = 0) -> Range | None:
    """The range that --range_A auto stands for; None where values from low to high lie beyond what is usual for the type."""
    if kind.dtype.kind in "bu" and kind.dtype.itemsize <= 2:
        return Range(0, 2 ** max(8, kind.bits) - 1, True)
    if kind.dtype.kind == "i" and kind.dtype.itemsize <= 2:
        limits = np.iinfo(kind.dtype)
        return Range(limits.min, limits.max, True)
    usual = Range(0.0, 1.0, False) if kind.dtype.kind == "f" else Range(0, 65535, True)
    return usual if usual.low <= low and high <= usual.high else None


def _range_of(values: Values, path: str, kind: Kind) -> Range:
    """The natural range of a file. Raises: InputError where it has to be declared."""
    low = high = 0.0
    if kind.dtype.kind == "f" or kind.dtype.itemsize > 2:
        with suppress(Exception):  # the reader says what is wrong with a file
            array = read_pixels(path, values.page).array
            present = np.isfinite(array)
            if (missing := values.missing(array[..., None])) is not None:
                present &= ~missing
            finite = array[present]
            low, high = float(finite.min()), float(finite.max())
    if found := natural_range(kind, low, high):
        return found
    usual = natural_range(kind)
    what = "floats" if kind.dtype.kind == "f" else "whole numbers of 32 bits"
    side = values.side
    raise InputError(
        f"--range_{side} auto takes {what} as {usual}, but {path} has values from {low:g} to {high:g}: use "
        f"--range_{side} measure, or declare what all files lie within, such as --range_{side}={low:g},{high:g} "
        "(scripts/check_dataset.py shows them)"
    )
