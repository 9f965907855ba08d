"""Findings about the content of image files: grey read as colour, ranges that are nearly empty, and the flags that fit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.base_dataset import BaseDataset
from data.checks.finding import Finding
from options.base_options import DataOptions, ModelOptions
from options.types import AUTO, pages_of, parse_bands, parse_nodata
from options.wording import count
from util.images.contents import FILLED, SAMPLED, Contents, measure_contents
from util.images.detect_values import Kind, natural_range
from util.images.values import Values

NC = {"A": "input_nc", "B": "output_nc"}


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
            f"are; use {range_flag(values.side, found)}, or wider if other files need it "
            f"(--range_{values.side} measure looks at all of them)"
        )
        if values.side == "A" and found.whole and found.high < 64:
            text += f"; if they are class numbers, --label_A {found.high + 1:g}"
        findings.append(Finding("warning", text))
    return findings


def range_flag(side: str, found: Contents) -> str:
    """Words the flag of the range that fits, as a shell takes it."""
    return shlex.quote(f"--range_{side}={found.fitting_range()}")


def fitting_flags(side: str, channels: int, declared: bool, found: Contents) -> list[str]:
    """Words the flags that read such files as a side, "A" or "B"; none where those that are given do.

    Args:
        channels: channels of the network.
        declared: whether the side's range is.
    """
    flags = [] if found.channels == channels else [f"--{NC[side]}", str(found.channels)]
    usual = natural_range(Kind(found.dtype, 8 * found.dtype.itemsize), found.low, found.high)
    if not declared and (usual is None or found.fills(usual) < FILLED):
        flags.append(f"--range_{side}={found.fitting_range()}")
    return flags


def content_lines(
    contents: Mapping[Path, Sequence[Contents]],
    sides: Mapping[Path, str],
    model: ModelOptions,
    data: DataOptions,
) -> tuple[list[str], list[str]]:
    """Words what files hold, and which flags, the second list, would read them.

    sides: of each folder's files, "A", "B", "AB" or "BA".
    """
    channels = {"A": model.input_nc, "B": model.output_nc}
    declared = {"A": data.range_A != AUTO, "B": data.range_B != AUTO}
    lines: list[str] = []
    flags: list[str] = []
    for folder, found in contents.items():
        for side, one in zip(sides[folder], found, strict=False):
            lines.append(f"{folder.name}, {side}: {one}")
            if not (model.label_A if side == "A" else model.label_B):
                flags += fitting_flags(side, channels[side], declared[side], one)
    if any(one.lost for found in contents.values() for one in found) and not data.nodata:
        flags += ["--nodata", "nan"]
    fitting = " ".join(map(shlex.quote, flags))
    return [*lines, *([f"flags that fit these files: {fitting}"] if flags else [])], flags


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
    dataset: BaseDataset, paths: Sequence[str], most: int = SAMPLED
) -> dict[Path, list[Contents]]:
    """Measures at most `most` of the given files in each folder of `folder_values`, part by part."""
    return {
        folder: measure_contents(
            [path for path in paths if Path(path).is_relative_to(folder)], len(sides), sides, most
        )
        for folder, sides in dataset.folder_values().items()
    }


def undeclared_values(sides: str, data: DataOptions) -> list[Values]:
    """How the parts of files are read, as far as the flags tell where no data set could be made; sides: "A", "AB" ..."""
    nodata, pages = parse_nodata(data.nodata), dict(zip("AB", pages_of(data.page), strict=True))
    bands = {side: parse_bands(f"bands_{side}", getattr(data, f"bands_{side}")) for side in sides}
    return [Values(side, 0, bands=bands[side], nodata=nodata, page=pages[side]) for side in sides]
