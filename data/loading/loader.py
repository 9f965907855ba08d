"""Positions -> batches, the same whatever the number of workers."""

from __future__ import annotations

import errno
import logging
import math
import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from torch.utils.data import DataLoader

from data.base_dataset import BaseDataset
from data.loading.collate import SharedBlock, SharedMemoryFull, SubBatch, collate_block
from data.loading.sampler import PositionSampler
from data.loading.workers import Workers, live_and_die_with_the_main_process
from options.wording import count
from util import distributed
from util.distributed.stop import StopRequest
from util.errors import InputError, SharedError, reason_of
from util.images.read import BadImage

REPLACEMENTS = 3  # of dead loader processes, in one epoch
LOCKS = 1 << 18  # bytes of shared memory that the locks of loader processes take at most
DIED = "a loader process died, as when memory runs out; it is replaced (if this goes on, lower --num_threads)"
CHUNK = 8  # images that a loader process hands over at once, where batches are smaller


class WorkersDied(InputError):
    """Loader processes keep ending by themselves, as when memory runs out."""


class Unreadable(SharedError):
    """Some process cannot get its next batch."""


class StepBatch(NamedTuple):
    """The images of one training step.

    Attributes:
        batch: this process's images.
        images: number of images of all processes in this step.
        seen: images of the epoch that all of them have been handed or skipped, with these.
    """

    batch: dict[str, Any]
    images: int
    seen: int


class Loader:
    """Batches of a data set: {"A": (N, C, H, W), "B": ..., "A_paths": [str], "B_paths": [str]}.

    Images are floats in [-1, 1] on the device.

    Loader processes that die are replaced; the epoch goes on where it was.

    Args:
        most: positions used, the first ones; the default is every crop of every item.
        uneven: nothing is left out of an epoch, whose length may differ by one between processes.
    Attributes:
        skipped: path -> reason of the bad images met with bad_images="skip".
        position: how many images of the epoch have been handed out or skipped.
        shared_memory_is_small: found out by any loader; from then on all of them load in their own process.
    """

    shared_memory_is_small: ClassVar[bool] = False

    def __init__(
        self,
        dataset: BaseDataset,
        *,
        most: float = math.inf,
        batch_size: int = 1,
        num_threads: int = 0,
        shuffle: bool = False,
        seed: int = 0,
        bad_images: str = "stop",
        rank: int = 0,
        world_size: int = 1,
        uneven: bool = False,
        device: torch.device | str = "cpu",
        start_method: str | None = None,
    ) -> None:
        shards = dataset.item_shards()
        self.sampler = PositionSampler(
            int(min(len(dataset) * dataset.crops, most)),
            shuffle=shuffle,
            seed=seed,
            rank=rank,
            world_size=world_size,
            uneven=uneven,
            shards=shards and [items * dataset.crops for items in shards],
            partners=dataset.partner_shards(),
        )
        if not len(self) and not uneven:
            raise SharedError(
                f"{count(len(dataset), 'image')} cannot be shared by {world_size} processes"
            )
        self.batch_size, self.bad_images = batch_size, bad_images
        self.device = torch.device(device)
        self.skipped: dict[str, str] = {}
        self.position = 0
        self._dataset, self._start_method = dataset, start_method
        # More processes than cores would only be in each other's way.
        self._loader = self._make(min(num_threads, os.cpu_count() or 1))
        self._workers = Workers()

    def _make(self, workers: int) -> DataLoader:
        size, workers = self.batch_size, 0 if Loader.shared_memory_is_small else workers
        return DataLoader(
            self._dataset,
            batch_size=size * max(1, CHUNK // size) if workers else size,
            sampler=self.sampler,
            num_workers=workers,
            collate_fn=partial(collate_block, batch_size=size),
            pin_memory=self.device.type == "cuda",
            persistent_workers=workers > 0,
            multiprocessing_context=self._start_method if workers else None,
            worker_init_fn=live_and_die_with_the_main_process,
        )

    def __len__(self) -> int:
        """Images in an epoch, for one process."""
        return self.sampler.count

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Any]]:
        """The batches of an epoch from image number `start` on; neighbours of different sizes are split.

        Raises: BadImage, with bad_images="stop"; WorkersDied.
        """
        self.sampler.epoch, self.position = epoch, start
        handed_out = start
        for parts in self._read():
            bad_ones = [bad for part in parts for bad in part.bad]
            if bad_ones and self.bad_images == "stop":
                raise bad_ones[0]
            self.skipped.update({bad.path: bad.reason for bad in bad_ones})
            for part in parts:
                self.position += part.images
                if part.batch is not None and self.position > handed_out:
                    handed_out = self.position
                    yield part.on(self.device)
        self.sampler.start = 0

    def _start(self) -> Iterator[SharedBlock]:
        disk = shared_memory()
        if self._loader.num_workers and disk and disk.f_bavail * disk.f_frsize < LOCKS:
            raise SharedMemoryFull("no room for locks")
        try:
            return iter(self._loader)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # not even the locks of loader processes have room
                raise SharedMemoryFull(str(error)) from None
            raise

    def _read(self) -> Iterator[list[SubBatch]]:
        """Reads the rest of the epoch, over the deaths of loader processes, and by itself where they cannot share memory."""
        deaths = 0
        while True:
            # From the beginning of a batch, whose parts would otherwise be shared out in another way.
            self.position -= self.position % self.batch_size
            self.sampler.start = self.position
            try:
                for block in self._workers.started_by(self._start):
                    yield from block.unpack()
                return
            except (RuntimeError, EOFError, ConnectionError) as error:  # depends on when it dies
                text = str(error)
                full = isinstance(error, SharedMemoryFull) or "Bus error" in text
                if not full and (
                    text.startswith("Caught ")  # the data set's own error, handed on
                    or (isinstance(error, RuntimeError) and "DataLoader worker" not in text)
                ):
                    raise
                self.close()
                # A new one: one that lost a process may wait for what that held.
                Loader.shared_memory_is_small |= full
                self._loader = self._make(self._loader.num_workers)
                deaths += not full
                if deaths > REPLACEMENTS:
                    raise WorkersDied(
                        f"loader processes keep dying, as when memory runs out ({reason_of(error)}): lower "
                        "--num_threads, --batch_size or --crop_size, and go on with --continue_train"
                    ) from None
                advice = shared_memory_advice() if full else DIED
                logging.getLogger(__name__).warning(advice)

    def steps(self, epoch: int, start: int, stop: StopRequest) -> Iterator[StepBatch]:
        """Yields batches from this process's image `start` on, while every process has one and none is asked to stop.

        A process that went on by itself would wait for the others' gradients for ever. So all of them agree before each
        step on what they count and on the signal to stop, `stop.agreed`.
        Raises: Unreadable, in all of them, when one cannot read an image or loses its loader processes.
        """
        batches = self.epoch(epoch, start)
        while True:
            batch, failure = None, ""
            try:
                batch = next(batches, None)
            except WorkersDied as died:
                failure = str(died)
            except BadImage as bad:
                advice = (
                    "mend or remove it and go on with --continue_train, or use --bad_images skip"
                )
                failure = f"{bad}\n{advice}"
            images = len(batch["A_paths"]) if batch else 0
            told = distributed.gather_numbers(bool(failure), stop.signal, images, self.position)
            failed, signals, counts, positions = zip(*told, strict=True)
            if any(failed):
                raise Unreadable("\n".join(text for text in distributed.gather(failure) if text))
            stop.agreed = max(signals)
            if batch is None or not all(counts) or stop.agreed:
                return
            yield StepBatch(batch, sum(counts), sum(positions))

    def share_skipped(self) -> None:
        """Adds to `skipped` what other processes have skipped; all of them take part."""
        for found in distributed.gather(self.skipped):
            self.skipped.update(found)

    def close(self) -> None:
        """Ends the loader processes."""
        self._workers.kill()


def shared_memory() -> os.statvfs_result | None:
    """The sizes of the disk that shared memory lies on; None where the system has no such disk."""
    try:
        return os.statvfs("/dev/shm")
    except (OSError, AttributeError):
        return None


def shared_memory_advice() -> str:
    """Says that loader processes had too little shared memory, how much there is, and how to get more."""
    disk = shared_memory()
    size = f" (/dev/shm has {disk.f_blocks * disk.f_frsize / 1e6:.0f} MB)" if disk else ""
    return (
        f"shared memory is too small for the loader processes{size}: from now on images are loaded in the training "
        "process, which is slower. Give more, as with docker run --shm-size 2g, or use --num_threads 0"
    )


def skipped_lines(skipped: Mapping[str, str]) -> list[str]:
    """Lines about images that were skipped: path -> reason."""
    lines = [f"skipped {path}: {reason}" for path, reason in skipped.items()]
    return [*lines, f"{count(len(lines), 'image')} skipped"] if lines else []
