"""Scores of one set of images against another, with the trivial answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms.v2 import functional as resizing

from data.files.image_folder import list_images
from options.types import Range
from options.wording import count
from scripts.lib.evaluation.result_folders import (
    File,
    Files,
    ValueFile,
    common_range,
    read,
    read_numbers,
)
from util.errors import InputError
from util.metrics import Result, Scorer, metric
from util.metrics.networks import Networks

AT_ONCE = 16  # images of one size that go through the networks together


@dataclass(frozen=True)
class Scores:
    """Scores of one run, by metric. per_image: name of the image -> value, for the paired ones."""

    results: dict[str, Result]
    per_image: dict[str, dict[str, float]] = field(default_factory=dict)


def score(
    names: Sequence[str], fakes: Files, reals: Files, shared: Sequence[str], networks: Networks
) -> Scores:
    """Computes paired metrics over the shared names, set metrics over all files of both.

    Raises: InputError when two of a pair differ in size, or there are too few images for a set metric.
    """
    pairs = [name for name in names if metric(name).paired] if shared else []
    sets = [name for name in names if not metric(name).paired]
    if pairs and fakes.keys() == reals.keys() == set(shared):  # one pass through the networks
        pairs, sets = list(names), []
    found = Scores({})
    with _explained(names):
        if pairs:
            found = _score_pairs(pairs, fakes, reals, shared, networks)
        if sets:
            found.results.update(_score_sets(sets, fakes, reals, networks))
    return Scores(
        {name: found.results[name] for name in names if name in found.results}, found.per_image
    )


@contextmanager
def _explained(names: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except ValueError as error:  # too few images for a set
        sets = ", ".join(name for name in names if not metric(name).paired)
        raise InputError(f"{error}: leave {sets} out of --metrics, or test more images") from None


def _score_pairs(
    names: Sequence[str], fakes: Files, reals: Files, shared: Sequence[str], networks: Networks
) -> Scores:
    fakes, reals = ({name: files[name] for name in shared} for files in (fakes, reals))
    bounds = common_range(fakes, reals)
    scorer = Scorer(names, networks=networks, bounds=bounds)
    if bounds:
        for name in shared:
            scorer.add(*(one[None] for one in read_number_pair(fakes[name], reals[name], bounds)))
    else:
        for batch in _batches(read_pair(fakes[name], reals[name]) for name in shared):
            scorer.add(*(torch.stack(side) for side in zip(*batch, strict=True)))
    return _paired_scores(scorer, shared)


def _paired_scores(scorer: Scorer, shared: Sequence[str]) -> Scores:
    values = scorer.per_image().items()
    per_image = {
        name: {image: v for image, v in zip(shared, each, strict=True) if not math.isnan(v)}
        for name, each in values
    }
    return Scores(scorer.results(), per_image)


def _score_sets(
    names: Sequence[str], fakes: Files, reals: Files, networks: Networks
) -> dict[str, Result]:
    scorer = Scorer(names, networks=networks)
    for batch in _batches((read(path),) for path in fakes.values()):
        scorer.add(fake=torch.stack([image for (image,) in batch]))
    for batch in _batches((read(path),) for path in reals.values()):
        scorer.add(real=torch.stack([image for (image,) in batch]))
    return scorer.results()


def score_constant(
    names: Sequence[str],
    image: torch.Tensor,
    reals: Files,
    shared: Sequence[str],
    networks: Networks,
) -> Scores:
    """Computes paired metrics of one image that stands for every result: uint8 (3, H, W), or numbers of the truths' range."""
    bounds = common_range(reals, reals) if image.dtype != torch.uint8 else None
    paired = [name for name in names if metric(name).paired]
    scorer = Scorer(paired, networks=networks, bounds=bounds)
    for name in shared:
        real = reals[name]
        if bounds and isinstance(real, ValueFile):
            scorer.add(image.movedim(0, -1)[None].numpy(), read_numbers(real, bounds)[None])
        else:
            scorer.add(image[None], read(real)[None])
    return _paired_scores(scorer, shared)


def _batches(items: Iterable[tuple[torch.Tensor, ...]]) -> Iterator[list[tuple[torch.Tensor, ...]]]:
    """Neighbours of one size, a few together."""
    batch: list[tuple[torch.Tensor, ...]] = []
    for item in items:
        if batch and (len(batch) == AT_ONCE or item[0].shape != batch[0][0].shape):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def read_pair(fake: File, real: File) -> tuple[torch.Tensor, torch.Tensor]:
    """Reads both as uint8 (3, H, W). Raises: InputError when their sizes differ."""
    pair = read(fake), read(real)
    _check_sizes(fake, real, *((image.shape[1], image.shape[2]) for image in pair))
    return pair


def read_number_pair(fake: File, real: File, bounds: Range) -> tuple[np.ndarray, np.ndarray]:
    """Reads both as float64 (H, W, C) in units of the range. Raises: InputError when their shapes differ."""
    assert isinstance(fake, ValueFile)
    assert isinstance(real, ValueFile)
    pair = read_numbers(fake, bounds), read_numbers(real, bounds)
    _check_sizes(fake, real, *((array.shape[0], array.shape[1]) for array in pair))
    channels, others = (array.shape[-1] for array in pair)
    if channels != others:
        raise InputError(f"{fake} has {count(channels, 'channel')}, its truth {real} {others}")
    return pair


def _check_sizes(fake: File, real: File, size: tuple[int, int], other: tuple[int, int]) -> None:
    (height, width), (rows, columns) = size, other
    if (height, width) != (rows, columns):
        raise InputError(
            f"{fake} has {width}x{height} pixels, its truth {real} {columns}x{rows}: give truths as large as "
            "the results, or run test.py again with --preprocess none"
        )


def training_mean(
    folder: Path,
    side: str,
    half: str,
    size: tuple[int, int],
    read: Callable[[Path], torch.Tensor] = read,
) -> torch.Tensor | None:
    """Returns the mean of a domain's training images, resized to (H, W): uint8 (3, H, W), or float64 (C, H, W).

    Args:
        folder: the data root, with trainA and trainB or with pairs in train; or one of these folders.
        half: left or right, of pairs side by side: where domain B is.
        read: makes uint8 (3, H, W), or float64 (C, H, W), of a file.

    Returns: None when the folder holds the other domain alone.
    """
    inner = next((folder / n for n in (f"train{side}", "train") if (folder / n).is_dir()), folder)
    if inner.name in ("trainA", "trainB") and inner.name != f"train{side}":
        return None
    images = (read(Path(path)) for path in list_images(inner))
    if not inner.name.endswith(f"train{side}"):
        left = (half == "left") == (side == "B")
        images = (_half(image, left) for image in images)
    resized = (_resized(image, size).permute(1, 2, 0).numpy() for image in images)
    return torch.from_numpy(mean_image(resized)).permute(2, 0, 1)


def mean_image(images: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the pixelwise mean of images of one shape, of uint8 as nearest grey levels; NaN does not count.

    Raises: ValueError for none.
    """
    total, present, dtype = np.zeros(()), np.zeros(()), None
    for image in images:
        total = total + np.nan_to_num(image.astype(np.float64))
        present, dtype = present + ~np.isnan(image), image.dtype
    if dtype is None:
        raise ValueError("no images to take the mean of")
    mean = np.where(present > 0, total / np.maximum(present, 1), np.nan)
    return mean.round().astype(np.uint8) if dtype == np.uint8 else mean


def _half(image: torch.Tensor, left: bool) -> torch.Tensor:
    middle = image.shape[2] // 2
    return image[..., :middle] if left else image[..., middle:]


def _resized(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if tuple(image.shape[1:]) == size:
        return image
    bicubic = resizing.InterpolationMode.BICUBIC
    return resizing.resize(image, list(size), interpolation=bicubic, antialias=True)
