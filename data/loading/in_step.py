"""Training steps that all processes take, or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from data.loading.loader import Loader, WorkersDied
from util import distributed
from util.distributed.stop import StopRequest
from util.errors import SharedError
from util.images.read import BadImage


class Unreadable(SharedError):
    """Some process cannot get its next batch."""


class StepBatch(NamedTuple):
    """What a step learns from.

    Attributes:
        batch: this process's images.
        images: how many all processes have in this step.
        seen: images of the epoch that all of them have been handed or skipped, with these.
    """

    batch: dict[str, Any]
    images: int
    seen: int


def in_step(loader: Loader, epoch: int, start: int, stop: StopRequest) -> Iterator[StepBatch]:
    """An epoch from this process's image `start` on, as long as every process has a batch and none is asked to stop.

    A process that went on alone would wait for the others' gradients for ever. What they count and when they stop they
    agree on before each step; at the end `stop.agreed` is the signal, if there was one.
    Raises: Unreadable, in all of them, when one cannot read an image or loses its loader processes.
    """
    batches = loader.epoch(epoch, start)
    while True:
        batch, failure = None, ""
        try:
            batch = next(batches, None)
        except WorkersDied as died:
            failure = str(died)
        except BadImage as bad:
            advice = "mend or remove it and go on with --continue_train, or use --bad_images skip"
            failure = f"{bad}\n{advice}"
        images = len(batch["A_paths"]) if batch else 0
        told = distributed.gather_numbers(bool(failure), stop.signal, images, loader.position)
        failed, signals, counts, positions = zip(*told, strict=True)
        if any(failed):
            raise Unreadable("\n".join(text for text in distributed.gather(failure) if text))
        stop.agreed = max(signals)
        if batch is None or not all(counts) or stop.agreed:
            return
        yield StepBatch(batch, sum(counts), sum(positions))
