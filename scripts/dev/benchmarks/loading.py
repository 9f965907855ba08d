"""Loading: Pillow's pipeline in one loader process, against ours, and against ours with --cache."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from data import Source, create_dataset
from data.loading.loader import Loader
from options.base_options import DataOptions
from scripts.dev.benchmarks.pictures import write_pictures
from scripts.dev.benchmarks.plain_images import PlainImages
from scripts.dev.benchmarks.timing import Row

IMAGES = 128


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Images a second from files of twice the size, as one domain of a CycleGAN is read."""
    side = 2 * options.size
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        paths = write_pictures(Path(place) / "images", IMAGES, side, side)
        load_size = options.size + options.size // 8

        def ours(cache: str) -> Loader:
            flags = DataOptions(
                dataroot=str(Path(place) / "images"),
                dataset_mode="single",
                load_size=load_size,
                crop_size=options.size,
                cache=cache,
            )
            dataset = create_dataset(flags, Source())
            size = {"batch_size": options.batch_size, "num_threads": options.num_threads}
            return Loader(dataset, shuffle=True, device=device, **size)

        plain = DataLoader(
            PlainImages(paths, load_size, options.size),
            batch_size=options.batch_size,
            num_workers=options.num_threads,
            shuffle=True,
            persistent_workers=options.num_threads > 0,
        )
        loaders = {"default": ours(""), "cache": ours(f"{place}/cache")}
        rates: dict[str, list[float]] = {"plain": [], "default": [], "cache": []}
        for epoch in range(1, options.repeats + 2):
            rates["plain"].append(rate(batch["A"].to(device) for batch in plain))
            for kind, loader in loaders.items():
                rates[kind].append(rate(batch["A"] for batch in loader.epoch(epoch)))
        for loader in loaders.values():
            loader.close()
    typical = {kind: statistics.median(values[1:]) for kind, values in rates.items()}
    return {
        "images": f"{side} to {options.size}, batch {options.batch_size}",
        "processes": str(options.num_threads),
        **{f"{kind}, images/s": f"{value:.0f}" for kind, value in typical.items()},
        "ratio": f"{typical['default'] / typical['plain']:.2f}",
        "ratio with --cache": f"{typical['cache'] / typical['plain']:.2f}",
    }


def rate(batches: Iterable[torch.Tensor]) -> float:
    """Images a second, from the second batch on: the first waits for processes to wake up."""
    iterator: Iterator[torch.Tensor] = iter(batches)
    next(iterator)
    started = time.perf_counter()
    images = sum(len(batch) for batch in iterator)
    return images / (time.perf_counter() - started)
