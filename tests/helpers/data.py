"""Data sets of any kind in one call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from data import Source, create_dataset, find_dataset
from data.loading.loader import Loader


def dataset(
    root: Path,
    mode: str,
    *,
    phase: str = "train",
    augment: bool = False,
    augmentations: str = "",
    **flags,
):
    """augment: whether it is for training; augmentations: the value of --augment."""
    source = {
        k: flags.pop(k)
        for k in ("input_nc", "output_nc", "labels", "multiple", "seed")
        if k in flags
    }
    flags = {"preprocess": "none", "load_size": 32, "crop_size": 32, "no_flip": True, **flags}
    group = find_dataset(mode).Options
    options = group(dataroot=str(root), dataset_mode=mode, augment=augmentations, **flags)
    return create_dataset(options, Source(phase=phase, augment=augment, **source))


def augmented_batches(
    root: Path,
    threads: int,
    start_method: str | None = None,
    *,
    epochs: Iterable[int] = (1, 2),
    start: int = 0,
) -> list[dict[str, Any]]:
    """Batches of two of an unpaired data set, with crops and flips, from an item of each epoch on."""
    flags = {"preprocess": "resize_and_crop", "crop_size": 24, "no_flip": False}
    loader = Loader(
        dataset(root, "unaligned", augment=True, **flags),
        batch_size=2,
        num_threads=threads,
        shuffle=True,
        seed=5,
        start_method=start_method,
    )
    return [batch for epoch in epochs for batch in loader.epoch(epoch, start)]


def assert_same_batches(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    for one, other in zip(some, others, strict=True):
        assert (one["A_paths"], one["B_paths"]) == (other["A_paths"], other["B_paths"])
        assert torch.equal(one["A"], other["A"])
        assert torch.equal(one["B"], other["B"])
