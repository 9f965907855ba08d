"""Values in image files that training would lose: depths, transparency, ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.base_dataset import BaseDataset
from data.checks.finding import Finding
from options.wording import count
from util.images.detect_values import kind_of
from util.images.read import image_source, opened


def header_findings(dataset: BaseDataset, paths: Sequence[str], noun: str) -> list[Finding]:
    """Transparency that is dropped, and files of several depths, as headers tell."""
    findings = []
    clear = [path for path in paths if _loses_transparency(dataset, path)]
    if clear:
        text = (
            f"transparency, which --alpha drop leaves out: {len(clear)} of {len(paths)} {noun}; --alpha white or "
            "black lays them on that"
        )
        findings.append(Finding("note", text, tuple(clear)))
    for folder, sides in dataset.folder_values().items():
        kinds = Counter(
            kind.dtype.name
            for path in paths
            if Path(path).is_relative_to(folder) and (kind := kind_of(path, sides[0].page))
        )
        if len(kinds) > 1:
            counts = ", ".join(f"{name} ({count})" for name, count in kinds.most_common())
            text = (
                f"{noun} of several depths in {folder.name}: {counts}; all are read by one range "
                '(docs/datasets.md, "Values and channels")'
            )
            findings.append(Finding("warning", text))
    return findings


def _loses_transparency(dataset: BaseDataset, path: str) -> bool:
    sides = dataset.values.values()
    if dataset.options.alpha != "drop" or any(values.channels in (2, 4) for values in sides):
        return False
    try:
        with opened(image_source(path)) as file:
            return file.has_transparency_data
    except Exception:  # the reader says what is wrong with a file
        return False


def clipped_findings(
    dataset: BaseDataset, outside: Mapping[str, int], counts: Mapping[str, int]
) -> list[Finding]:
    """Values that lie outside the range of their side.

    Args:
        outside: path -> how many do. counts: path -> of how many.
    """
    findings = []
    for folder, sides in dataset.folder_values().items():
        clipped = [path for path in dataset.listed[folder] if outside.get(path)]
        if not clipped:
            continue
        share = sum(outside[path] for path in clipped) / sum(
            counts.get(path, 0) for path in dataset.listed[folder]
        )
        flags = " and ".join(f"--range_{values.side} {values.bounds}" for values in sides)
        text = (
            f"values outside {flags}, which are clipped: {share:.2%} of {folder.name}, in {len(clipped)} of "
            f"{count(len(dataset.listed[folder]), 'image')}"
        )
        findings.append(Finding("warning", text, tuple(clipped)))
    return findings
