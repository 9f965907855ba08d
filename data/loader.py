"""Positions -> batches, the same whatever the number of workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler, default_collate

from data.base_dataset import BaseDataset, Position
from data.image_reader import BadImage
from util.errors import InputError
from util.position_seed import position_seed


class PositionSampler(Sampler[Position]):
    """The positions of one epoch for one process, from any point of the epoch on.

    Every process gets as many; the few items that do not divide are left out of this epoch, others in
    the next.
    """

    def __init__(
        self, length: int, *, shuffle: bool, seed: int, rank: int, world_size: int
    ) -> None:
        self.length, self.shuffle, self.seed = length, shuffle, seed
        self.rank, self.world_size = rank, world_size
        self.epoch, self.start = 1, 0

    def __len__(self) -> int:
        return self.length // self.world_size - self.start

    def __iter__(self) -> Iterator[Position]:
        if self.shuffle:
            generator = torch.Generator().manual_seed(position_seed(self.seed, self.epoch, "order"))
            order = torch.randperm(self.length, generator=generator).tolist()
        else:
            order = list(range(self.length))
        whole = self.length // self.world_size * self.world_size
        for index in order[self.rank : whole : self.world_size][self.start :]:
            yield Position(self.epoch, index)


class Loader:
    """Batches of a data set: {"A": (N, C, H, W), "B": ..., "A_paths": [str], "B_paths": [str]}.

    Attributes:
        skipped: path -> reason of the bad images met with bad_images="skip".
        position: how many images of the epoch have been handed out or skipped.
    """

    def __init__(
        self,
        dataset: BaseDataset,
        *,
        batch_size: int = 1,
        num_threads: int = 0,
        shuffle: bool = False,
        seed: int = 0,
        bad_images: str = "stop",
        rank: int = 0,
        world_size: int = 1,
        pin_memory: bool = False,
        start_method: str | None = None,
    ) -> None:
        self.sampler = PositionSampler(
            len(dataset), shuffle=shuffle, seed=seed, rank=rank, world_size=world_size
        )
        if not len(self):
            raise InputError(f"{len(dataset)} images cannot be shared by {world_size} processes")
        self.batch_size, self.bad_images = batch_size, bad_images
        self.skipped: dict[str, str] = {}
        self.position = 0
        workers = min(num_threads, os.cpu_count() or 1)  # more would only be in each other's way
        self._loader = DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=self.sampler,
            num_workers=workers,
            collate_fn=_collate,
            pin_memory=pin_memory,
            persistent_workers=workers > 0,
            multiprocessing_context=start_method if workers else None,
            worker_init_fn=_leave_interrupts_to_the_main_process,
        )

    def __len__(self) -> int:
        """Images in an epoch, for one process."""
        return self.sampler.length // self.sampler.world_size

    def report(self) -> list[str]:
        """Lines about what was skipped."""
        lines = [f"skipped {path}: {reason}" for path, reason in self.skipped.items()]
        return [*lines, f"{len(lines)} images were skipped"] if lines else []

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Any]]:
        """The batches of an epoch from image number `start` on; neighbours of different sizes are split.

        Raises: BadImage, with bad_images="stop".
        """
        self.sampler.epoch, self.sampler.start = epoch, start
        self.position = start
        for batches, bad_ones in self._read():
            for bad in bad_ones:
                if self.bad_images == "stop":
                    raise bad
                self.skipped[bad.path] = bad.reason
            self.position += len(bad_ones)
            for batch in batches:
                self.position += len(batch["A_paths"])
                yield batch
        self.sampler.start = 0

    def _read(self) -> Iterator[tuple[list[dict[str, Any]], list[BadImage]]]:
        try:
            yield from self._loader
        except (EOFError, ConnectionError) as error:  # depends on when a process dies
            raise RuntimeError(f"DataLoader worker ended ({type(error).__name__})") from None


def _leave_interrupts_to_the_main_process(worker: int) -> None:
    """Ctrl-C, and SIGTERM from job schedulers, reach all processes; workers must last until the run is saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _collate(
    items: list[dict[str, Any] | BadImage],
) -> tuple[list[dict[str, Any]], list[BadImage]]:
    """Batches of images that have the same size, and what could not be used."""
    good = [item for item in items if not isinstance(item, BadImage)]
    bad = [item for item in items if isinstance(item, BadImage)]
    return [default_collate(group) for group in _same_sizes(good)], bad


def _same_sizes(items: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Neighbours whose tensors have the same shapes: what can be stacked."""
    groups: list[list[dict[str, Any]]] = []
    previous = None
    for item in items:
        shapes = {key: value.shape for key, value in item.items() if torch.is_tensor(value)}
        if not groups or shapes != previous:
            groups.append([])
        groups[-1].append(item)
        previous = shapes
    return groups
