"""Faults of a data set that are found by decoding every image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from data.base_dataset import BaseDataset
from data.checks.duplicates import (
    Fingerprint,
    exact_duplicates,
    exact_matches,
    fingerprint,
    near_matches,
)
from data.checks.finding import Finding
from data.checks.quick import name_findings
from data.checks.sizes import size_findings, stops
from data.checks.values import clipped_findings, header_findings
from data.files.reading import read_sides
from data.transforms import Size, to_network_range
from util.images import to_uint8
from util.images.contents import evenly
from util.images.label_maps import distinct_colours
from util.images.nodata import fill_missing
from util.images.read import BadImage, count_outside
from util.images.values import Values

HEADERS = 1000  # files that are opened once more
FEW = 64  # files for which starting processes does not pay


@dataclass(frozen=True)
class DecodedImage:
    """All that is kept of an image that was decoded.

    count, outside: how many values it has, and how many of them lie outside the range of its side.
    """

    path: str
    size: Size
    fingerprint: Fingerprint
    count: int
    outside: int


@dataclass(frozen=True)
class Split:
    """All images of a phase.

    folders: one dict, path -> image, for each folder, in the order in which the data set lists them.
    bad: path -> reason.
    """

    dataset: BaseDataset
    folders: tuple[dict[str, DecodedImage], ...]
    bad: dict[str, str]

    @property
    def images(self) -> dict[str, DecodedImage]:
        return {path: image for images in self.folders for path, image in images.items()}


def decode(path: str, sides: tuple[Values, ...]) -> DecodedImage | BadImage:
    """Decodes one file; sides: how it is read, each equally wide part for itself; () as 8-bit colour."""
    sides = sides or (Values("", 3),)
    try:
        image = read_sides(path, sides)[0]
        image = fill_missing(image)[0] if sides[0].nodata is not None else image
        picture = as_picture(image, sides[0].labels)
        outside = max(count_outside(path, values) for values in sides)
    except BadImage as bad:
        return bad
    height, width = picture.shape[:2]
    parts = [picture]
    if len(sides) == 2:  # of odd widths the middle column counts twice
        parts = [picture[:, : (width + 1) // 2], picture[:, width // 2 :]]
    count = height * width * sides[0].channels
    return DecodedImage(path, (height, width), fingerprint(picture, parts), count, outside)


def as_picture(image: torch.Tensor, labels: int) -> np.ndarray:
    """(C, H, W) of any kind as uint8 (H, W, 3); label maps in colours."""
    if labels:
        colours = np.vstack([distinct_colours(255), np.zeros((1, 3), np.uint8)])
        return colours[image[0].numpy()]
    if image.dtype == torch.uint8 and len(image) == 3:
        return image.permute(1, 2, 0).numpy()
    levels = to_uint8(to_network_range(image) if image.dtype == torch.uint8 else image)
    levels = np.atleast_3d(levels)
    return levels.repeat(3, axis=-1) if levels.shape[-1] == 1 else levels


def unusable(dataset: BaseDataset, index: int) -> BadImage | None:
    """Says in the data set's own words what is wrong with an item."""
    try:
        item = dataset[index]
    except Exception as error:  # in somebody's own data set, anything can go wrong
        return BadImage(f"item {index}", f"{type(error).__name__}: {error}")
    return item if isinstance(item, BadImage) else None


def _call_each(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    return list(starmap(call, arguments))


def _in_processes(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """Calls, and yields the results in order, while a terminal shows how far it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = 0 if len(arguments) <= FEW else cores or 1
    # Loader processes call when they put the arguments of a batch together.
    each = partial(_call_each, call)
    listed: Any = arguments  # DataLoader takes any sequence
    loader = DataLoader[Any](listed, batch_size=16, num_workers=workers, collate_fn=each)
    with tqdm(total=len(arguments), unit=" images", leave=False, disable=None) as bar:
        for batch in loader:
            bar.update(len(batch))
            yield from batch


def read_split(dataset: BaseDataset) -> Split:
    """Decodes all files a data set has listed; a data set that reads them in a way of its own has to give every item."""
    folders: list[dict[str, DecodedImage]] = []
    bad: dict[str, str] = {}
    sides = dataset.folder_values()
    for folder, paths in dataset.listed.items():
        seen = list(_in_processes(decode, [(path, sides.get(folder, ())) for path in paths]))
        folders.append({one.path: one for one in seen if isinstance(one, DecodedImage)})
        bad |= {one.path: one.reason for one in seen if isinstance(one, BadImage)}
    if not sides:
        items = _in_processes(unusable, [(dataset, index) for index in range(len(dataset))])
        bad = {one.path: one.reason for one in items if one}
    return Split(dataset, tuple(folders), bad)


def file_findings(phase: str, split: Split, trained: bool) -> list[Finding]:
    """Images that cannot be read; only in the split that is trained on do they stop a training."""
    if not split.bad:
        return []
    severity = stops(split.dataset) if trained else "warning"
    text = f"images of {phase} that cannot be used: {len(split.bad)}"
    return [Finding(severity, text, tuple(f"{p}: {why}" for p, why in split.bad.items()))]


def shape_findings(split: Split) -> list[Finding]:
    """Finds names without counterpart, what --preprocess does to images of these sizes, and what is lost of their values."""
    images, dataset = split.images, split.dataset
    sizes = {path: image.size for path, image in images.items()}
    chosen = evenly(list(sizes), HEADERS)
    noun = "images" if len(chosen) == len(sizes) else "sampled images"
    outside = {path: image.outside for path, image in images.items()}
    counts = {path: image.count for path, image in images.items()}
    findings = [
        *name_findings(dataset),
        *size_findings(dataset, sizes),
        *header_findings(dataset, chosen, noun),
        *clipped_findings(dataset, outside, counts),
    ]
    pairs = dataset.file_pairs() or []
    unlike = [(A, B) for A, B in pairs if A in sizes and B in sizes and sizes[A] != sizes[B]]
    if unlike:
        resizes = dataset.options.preprocess == "resize_and_crop"
        text = f"pairs whose files differ in size: {len(unlike)} of {len(pairs)}"
        findings.append(Finding("note" if resizes else stops(dataset), text, _pairs(unlike)))
    return findings


def duplicate_findings(splits: Mapping[str, Split], trained: str) -> list[Finding]:
    """The same pictures in the split that is trained on and in others, folder by folder."""
    findings = []
    repeated = []
    for folder in range(len(splits[trained].folders)):
        train = _fingerprints(splits[trained], folder)
        repeated += exact_duplicates(train)
        for phase, split in splits.items():
            if phase == trained or folder >= len(split.folders):
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
    return {path: image.fingerprint for path, image in split.folders[folder].items()}


def _name(split: Split, folder: int) -> str:
    return list(split.dataset.listed)[folder].name


def _pairs(matches: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{one} = {other}" for one, other in matches)
