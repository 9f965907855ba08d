"""Results of a network in files of their side's own values: PNG, TIFF and NumPy, of any depth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from options.types import parse_range
from util.errors import InputError
from util.files import replacing, write_text
from util.images import SIDES, write_png
from util.images.packages import image_package
from util.images.values import Values, dtype_of, from_network

FORMATS = ("auto", "png", "tiff", "npy")
DESCRIPTION = "values.json"  # in a folder of results
SUFFIXES = {"png": ".png", "tiff": ".tif", "npy": ".npy"}


class ValueWriter:
    """Writes results whose values need more than 8-bit grey or colour; `in` tells whether a label's do.

    Args:
        values: of sides "A" and "B"; {} of data sets that have none, whose results are pictures alone.
        format: a value of --save_format.
    Raises: InputError when PNG is asked for and cannot hold them.
    """

    def __init__(self, values: Mapping[str, Values], format: str) -> None:
        self.values = values
        self.formats = {
            # The flag is about results; inputs are kept as they can be.
            side: format_for(format if side == "B" or format != "png" else "auto", one.like, one)
            for side, one in values.items()
            if not one.labels
        }

    def __bool__(self) -> bool:
        return any(self.formats.values())

    def __contains__(self, label: object) -> bool:
        return self.formats.get(SIDES.get(str(label), "")) is not None

    def describe(self, folder: Path) -> None:
        """Writes what the numbers of both sides mean, for those who compare the results with other files."""
        text = {
            side: {"channels": v.channels, "range": v.flag, "labels": v.labels, "alpha": v.alpha}
            for side, v in self.values.items()
        }
        write_text(folder / DESCRIPTION, json.dumps(text, indent=1) + "\n")

    def write(self, place: Path, label: str, image: np.ndarray) -> None:
        """Writes float32 (C, H, W) in [-1, 1] as values of its side; place lacks the suffix."""
        side = SIDES[label]
        kind = self.formats[side]
        assert kind
        array = from_network(np.moveaxis(image, 0, -1), self.values[side].bounds)
        write_values(place.with_name(place.name + SUFFIXES[kind]), array)


def described_values(folder: Path) -> dict[str, Values]:
    """Reads what `ValueWriter.describe` wrote; {} where it wrote nothing. Raises: ValueError when it cannot be read."""
    file = folder / DESCRIPTION
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {
            side: Values(
                side,
                int(one["channels"]),
                parse_range(f"range_{side}", one["range"]),
                int(one["labels"]),
                str(one["alpha"]),
            )
            for side, one in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read ({error}): test the run again") from None


def format_for(asked: str, like: str, values: Values) -> str | None:
    """Chooses png, tiff or npy to write such values as; None where the 8-bit picture says it all.

    Args:
        asked: a value of --save_format.
        like: the name of a file whose format is kept, if that can be.
    Raises: InputError when PNG is asked for and cannot hold them.
    """
    bounds, channels = values.bounds, values.channels
    fits = dtype_of(bounds) in (np.uint8, np.uint16) and channels in (1, 3, 4)
    shown = bounds == (0, 255, True) and channels in (1, 3)
    if asked == "png" and not fits:
        raise InputError(
            f"PNG files hold whole numbers from 0 to 65535 in 1, 3 or 4 channels, not {channels} "
            f"channels of {bounds}; use tiff or npy"
        )
    if asked != "auto":
        return None if asked == "png" and shown else asked
    if shown:
        return None
    suffix = Path(like).suffix.lower()
    if suffix in (".npy", ".npz"):
        return "npy"
    return "png" if suffix == ".png" and fits else "tiff"


def write_values(path: Path, values: np.ndarray) -> None:
    """Writes (H, W, C), or (H, W) for one channel, in the format of the path's suffix.

    The file appears when it is complete.
    Raises: InputError when a package is missing, or the disk refuses.
    """
    with replacing(path, lasting=False) as file:
        encode_values(file, path.suffix.lower(), values)


def encode_values(file: IO[bytes], suffix: str, values: np.ndarray) -> None:
    """Writes (H, W, C) in the format of a suffix. Raises: InputError when a package is missing."""
    array = np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values)
    if suffix == ".npy":
        np.save(file, array)
    elif suffix in (".tif", ".tiff"):
        photometric = "rgb" if array.shape[2:] == (3,) else "minisblack"
        planes = "contig" if array.ndim == 3 else None
        tifffile = image_package("tifffile")
        tifffile.imwrite(file, array, photometric=photometric, planarconfig=planes)
    elif array.dtype == np.uint8 or array.ndim == 2:
        write_png(file, array)
    else:
        file.write(image_package("imagecodecs").png_encode(array))
