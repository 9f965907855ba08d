"""The content of image files, measured on a few of them: channels, type and values, and the flags that fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.base_dataset import BaseDataset
from data.checks.finding import Finding, evenly
from options.base_options import DataOptions, ModelOptions
from options.types import AUTO, Range
from options.wording import count
from util.images.detect_values import Kind, natural_range
from util.images.read import channels_last, read_pixels
from util.images.values import Values

FILLED = 0.25  # share of a range below which it is called nearly empty
OUTLIERS = 0.1  # percent of the values at each end that do not count
LARGEST = 25_000_000  # values of a file that is looked at
KEPT = 100_000  # values of each file that percentiles are taken from
NC = {"A": "input_nc", "B": "output_nc"}


@dataclass(frozen=True)
class Contents:
    """The content of some files of a side.

    Attributes:
        files: number of files.
        channels: channels, without transparency.
        dtype: the type of the first file's values.
        low, high: least and largest value.
        percentiles: the values that OUTLIERS, 50 and 100 - OUTLIERS percent lie below.
    """

    files: int
    channels: int
    dtype: np.dtype
    low: float
    high: float
    percentiles: tuple[float, float, float]

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers."""
        return self.dtype.kind in "bui"

    def __str__(self) -> str:
        first, middle, last = (f"{value:g}" for value in self.percentiles)
        return (
            f"{self.channels} channel{'s' if self.channels > 1 else ''} of {self.dtype}, values {self.low:g} to "
            f"{self.high:g} (99.8 % within {first} to {last}, median {middle}; {count(self.files, 'file')})"
        )

    def fills(self, bounds: Range) -> float:
        """The share of a range that the values take, without outliers; 0,255 and 0,65535 are all that a type can hold."""
        first, _, last = self.percentiles
        full = (bounds.low, bounds.high) in ((0, 255), (0, 65535))
        if full and self.dtype in (np.uint8, np.uint16):
            return (last - first) / np.iinfo(self.dtype).max
        return (last - first) / (bounds.high - bounds.low)

    def fitting_range(self) -> str:
        """A range, as a flag has it, that holds all these values: from 0 if that is near, in two digits."""
        low = 0.0 if 0 <= self.low <= self.high / 4 else self.low
        step = 10 ** (math.floor(math.log10(max(self.high - low, 1e-30))) - 1)
        low, high = math.floor(low / step) * step, math.ceil(self.high / step) * step
        if self.whole:
            return f"{round(low)},{max(round(high), round(low) + 1)}"
        return f"{low:.6g},{high:.6g}"


def measure_contents(paths: Sequence[str], parts: int = 1, page: str = "") -> list[Contents]:
    """Measures the parts, left to right, of files; [] when none can be read. page: as in `parse_page`."""
    found: list[list[np.ndarray]] = [[] for _ in range(parts)]
    shapes = []
    for path in paths:
        array = _array(path, page)
        if array is None or array.shape[1] < parts:
            continue
        shapes.append((array.shape[-1], array.dtype))
        width = array.shape[1] // parts
        for i, values in enumerate(found):
            flat = array[:, i * width : (i + 1) * width].reshape(-1)
            flat = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
            ends = [flat.min(), flat.max()] if flat.size else []
            values.append(np.append(flat[:: max(1, flat.size // KEPT)], ends).astype(np.float64))
    if not shapes or not all(sum(map(len, values)) for values in found):
        return []
    channels, dtype = shapes[0]
    return [_summary(len(shapes), channels, dtype, np.concatenate(values)) for values in found]


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


def _summary(files: int, channels: int, dtype: np.dtype, values: np.ndarray) -> Contents:
    first, middle, last = np.percentile(values, [OUTLIERS, 50, 100 - OUTLIERS])
    ends = float(values.min()), float(values.max())
    return Contents(files, channels, dtype, *ends, (float(first), float(middle), float(last)))


def content_findings(
    dataset: BaseDataset, contents: Mapping[Path, Sequence[Contents]]
) -> list[Finding]:
    """Finds grey files that are read as colour, and ranges that are nearly empty.

    contents: of the folders of `folder_values`, for each part of their files.
    """
    if not dataset.values:  # it reads its files in a way of its own
        return []
    findings = []
    for folder, sides in dataset.folder_values().items():
        for values, found in zip(sides, contents.get(folder, ()), strict=False):
            name = folder.name if len(sides) == 1 else f"{folder.name} ({values.side})"
            findings += _side_findings(name, values, found)
    return findings


def _side_findings(name: str, values: Values, found: Contents) -> list[Finding]:
    if values.labels:
        return []
    findings = []
    if found.channels == 1 and values.channels == 3:
        text = (
            f"files of {name} are grey, but with --{NC[values.side]} 3 the network sees three equal channels: "
            f"use --{NC[values.side]} 1"
        )
        findings.append(Finding("warning", text))
    share = found.fills(values.bounds)
    if share < FILLED:
        text = (
            f"values of {name} reach from {found.low:g} to {found.high:g} in {count(found.files, 'file')}, {share:.0%} of "
            f"--range_{values.side} {values.bounds}: the network sees little contrast, and scores look better than they "
            f"are; use --range_{values.side}={found.fitting_range()}, or wider if other files need it"
        )
        if values.side == "A" and found.whole and found.high < 64:
            text += f"; if they are class numbers, --label_A {found.high + 1:g}"
        findings.append(Finding("warning", text))
    return findings


def fitting_flags(side: str, channels: int, declared: bool, found: Contents) -> str:
    """Words the flags that read such files as a side, "A" or "B"; nothing where those that are given do.

    Args:
        channels: channels of the network.
        declared: whether the side's range is.
    """
    flags = [] if found.channels == channels else [f"--{NC[side]} {found.channels}"]
    usual = natural_range(Kind(found.dtype, 8 * found.dtype.itemsize), found.low, found.high)
    if not declared and (usual is None or found.fills(usual) < FILLED):
        flags.append(f"--range_{side}={found.fitting_range()}")
    return " ".join(flags)


def content_lines(
    contents: Mapping[Path, Sequence[Contents]],
    sides: Mapping[Path, str],
    model: ModelOptions,
    data: DataOptions,
) -> list[str]:
    """Words what files hold, and which flags would read them; sides: of each folder's files, "A", "B", "AB" or "BA"."""
    channels = {"A": model.input_nc, "B": model.output_nc}
    declared = {"A": data.range_A != AUTO, "B": data.range_B != AUTO}
    lines, flags = [], []
    for folder, found in contents.items():
        for side, one in zip(sides[folder], found, strict=False):
            lines.append(f"{folder.name}, {side}: {one}")
            if not (side == "A" and model.label_A):
                flags.append(fitting_flags(side, channels[side], declared[side], one))
    fitting = " ".join(filter(None, flags))
    return [*lines, f"flags that fit these files: {fitting}"] if fitting else lines


def folders_on_disk(data: DataOptions, phase: str) -> dict[Path, str]:
    """Finds folders of images and their sides, "A", "B", "AB" or "BA", where no data set could be made of them."""
    root = Path(data.dataroot)
    sides = "BA" if data.direction == "BtoA" else "AB"
    found = {root / f"{phase}{name}": side for name, side in zip("AB", sides, strict=True)}
    if data.dataset_mode == "aligned" and (root / phase).is_dir():
        found = {root / phase: sides}
    elif data.dataset_mode == "single":
        found = {root: "A"}
    return {folder: side for folder, side in found.items() if folder.is_dir()}


def measure_folders(
    dataset: BaseDataset, paths: Sequence[str], most: int
) -> dict[Path, list[Contents]]:
    """Measures at most `most` of the given files in each folder of `folder_values`, part by part."""
    return {
        folder: measure_contents(
            evenly([path for path in paths if Path(path).is_relative_to(folder)], most),
            len(sides),
            sides[0].page,
        )
        for folder, sides in dataset.folder_values().items()
    }
