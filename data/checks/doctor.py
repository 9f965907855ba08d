"""What is wrong with a data set, found by decoding every image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from data.aligned_dataset import AlignedDataset
from data.base_dataset import BaseDataset
from data.checks import halves
from data.checks.duplicates import (
    Fingerprint,
    exact_duplicates,
    exact_matches,
    near_matches,
)
from data.checks.finding import Finding
from data.checks.look import Look, look
from data.checks.quick import NAMES_PLAY_NO_PART, evenly, name_findings
from data.checks.sizes import size_findings, stops
from data.checks.values import clipped_findings, header_findings
from util.images.read import BadImage

HEADERS = 1000  # files that are opened once more
FEW = 64  # files for which starting processes does not pay


@dataclass(frozen=True)
class Split:
    """All images of a phase.

    looks: one dict, path -> Look, for each folder, in the order in which the data set lists them.
    bad: path -> reason.
    """

    dataset: BaseDataset
    looks: tuple[dict[str, Look], ...]
    bad: dict[str, str]

    @property
    def all_looks(self) -> dict[str, Look]:
        return {path: look for looks in self.looks for path, look in looks.items()}


def unusable(dataset: BaseDataset, index: int) -> BadImage | None:
    """What is wrong with an item, in the data set's own words."""
    try:
        item = dataset[index]
    except Exception as error:  # in somebody's own data set, anything can go wrong
        return BadImage(f"item {index}", f"{type(error).__name__}: {error}")
    return item if isinstance(item, BadImage) else None


class _Calls(Dataset[Any]):
    """One call for each argument, so that loader processes can share them out."""

    def __init__(self, call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        self.call, self.arguments = call, arguments

    def __len__(self) -> int:
        return len(self.arguments)

    def __getitem__(self, index: int) -> Any:
        return self.call(*self.arguments[index])


def _in_processes(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """What each call returns, in order, while a terminal shows how far it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = 0 if len(arguments) <= FEW else cores or 1
    loader = DataLoader(
        _Calls(call, arguments),
        batch_size=16,
        num_workers=workers,
        collate_fn=list,  # as they are
    )
    with tqdm(total=len(arguments), unit=" images", leave=False, disable=None) as bar:
        for batch in loader:
            bar.update(len(batch))
            yield from batch


def read_split(dataset: BaseDataset) -> Split:
    """Decodes all files a data set has listed, and what a data set of one's own makes of them."""
    images = (2 if dataset.side_by_side else 1) if isinstance(dataset, AlignedDataset) else 0
    looks: list[dict[str, Look]] = []
    bad: dict[str, str] = {}
    domains = dataset.domains_by_folder()
    for folder, paths in dataset.listed.items():
        arguments = [(path, images, domains.get(folder, ())) for path in paths]
        seen = list(_in_processes(look, arguments))
        looks.append({one.path: one for one in seen if isinstance(one, Look)})
        bad |= {one.path: one.reason for one in seen if isinstance(one, BadImage)}
    if not isinstance(dataset, NAMES_PLAY_NO_PART):  # it may read its files in a way of its own
        items = _in_processes(unusable, [(dataset, index) for index in range(len(dataset))])
        bad = {one.path: one.reason for one in items if one}
    return Split(dataset, tuple(looks), bad)


def file_findings(phase: str, split: Split, trained: bool) -> list[Finding]:
    """Images that cannot be read; only in the split that is trained on do they stop a training."""
    if not split.bad:
        return []
    severity = stops(split.dataset) if trained else "warning"
    text = f"images of {phase} that cannot be used: {len(split.bad)}"
    return [Finding(severity, text, tuple(f"{p}: {why}" for p, why in split.bad.items()))]


def shape_findings(split: Split) -> list[Finding]:
    """Names without counterpart, what --preprocess does to images of these sizes, and what is lost of their values."""
    sizes = {path: look.size for path, look in split.all_looks.items()}
    looks = split.all_looks.items()
    chosen = evenly(list(sizes), HEADERS)
    outside = {path: look.outside for path, look in looks}
    values = {path: look.values for path, look in looks}
    findings = [
        *name_findings(split.dataset),
        *size_findings(split.dataset, sizes),
        *header_findings(
            split.dataset, chosen, "images" if len(chosen) == len(sizes) else "sampled images"
        ),
        *clipped_findings(split.dataset, outside, values),
    ]
    if not isinstance(split.dataset, AlignedDataset):
        return findings
    known = [pair for pair in split.dataset.pairs if sizes.keys() >= set(pair)]
    unlike = [pair for pair in known if sizes[pair[0]] != sizes[pair[1]]]
    if unlike:
        resizes = split.dataset.options.preprocess == "resize_and_crop"
        text = f"pairs whose files differ in size: {len(unlike)} of {len(split.dataset.pairs)}"
        severity = "note" if resizes else stops(split.dataset)
        findings.append(Finding(severity, text, _pairs(unlike)))
    return findings


def side_findings(split: Split, direction: str) -> list[Finding]:
    """Pairs whose halves look exchanged, and what is translated into what."""
    looks, dataset = split.all_looks, split.dataset
    assert isinstance(dataset, AlignedDataset)
    known = [pair for pair in dataset.pairs if looks.keys() >= set(pair)]
    if not known:
        return []
    paths = [left for left, _ in known]
    left, right = (
        np.stack([looks[pair[side]].sides[side if dataset.side_by_side else 0] for pair in known])
        for side in (0, 1)
    )
    findings = []
    wrong = halves.swapped(left, right)
    if wrong:
        text = (
            f"pairs that look swapped: {len(wrong)} of {len(paths)}; their {'left half looks as the right half' if dataset.side_by_side else 'A looks as B'} "
            "does elsewhere, and the other way round (look at others, too: not every swap shows)"
        )
        findings.append(Finding("warning", text, tuple(paths[i] for i in wrong)))
    A, B = (right, left) if direction == "BtoA" else (left, right)
    kinds = halves.looks_like(A), halves.looks_like(B)
    if None not in kinds and kinds[0] != kinds[1]:
        other = "AtoB" if direction == "BtoA" else "BtoA"
        text = (
            f"with --direction {direction}, what look like {kinds[0]} are translated into what look like "
            f"{kinds[1]}; for the opposite use --direction {other}"
        )
        findings.append(Finding("note", text))
    return findings


def duplicate_findings(splits: Mapping[str, Split], trained: str) -> list[Finding]:
    """The same pictures in the split that is trained on and in others, folder by folder."""
    findings = []
    repeated = []
    for folder in range(len(splits[trained].looks)):
        train = _fingerprints(splits[trained], folder)
        repeated += exact_duplicates(train)
        for phase, split in splits.items():
            if phase == trained or folder >= len(split.looks):
                continue
            prints = _fingerprints(split, folder)
            here, there = _name(split, folder), _name(splits[trained], folder)
            for matches, how in (
                (exact_matches(prints, train), "the same as"),
                (near_matches(prints, train), "nearly the same (or mirrored) as"),
            ):
                if matches:
                    text = (
                        f"images of {here} that are {how} images of {there}: {len(matches)} of "
                        f"{len(prints)}; results on them look better than they are"
                    )
                    findings.append(Finding("warning", text, _pairs(matches)))
    if repeated:
        text = f"images of {trained} that are exact copies of others: {len(repeated)}"
        findings.append(Finding("note", text, _pairs(repeated)))
    return findings


def _fingerprints(split: Split, folder: int) -> dict[str, Fingerprint]:
    return {path: look.fingerprint for path, look in split.looks[folder].items()}


def _name(split: Split, folder: int) -> str:
    return list(split.dataset.listed)[folder].name


def _pairs(matches: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{one} = {other}" for one, other in matches)
