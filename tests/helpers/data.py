"""Data sets of any kind in one call."""

from __future__ import annotations

from pathlib import Path

from data import Source, create_dataset, find_dataset


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
