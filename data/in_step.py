"""Training steps that all processes take, or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.image_reader import BadImage
from data.loader import WorkersDied
from util import distributed
from util.errors import SharedError
from util.stop import StopRequest


class Unreadable(SharedError):
    """Some process cannot get its next batch."""


def in_step(batches: Iterator[dict[str, Any]], stop: StopRequest) -> Iterator[dict[str, Any]]:
    """The batches, as long as every process has one and none is asked to stop; then `stop.agreed` is set.

    A process that went on alone would wait for the others' gradients for ever.
    Raises: Unreadable, in all of them, when one cannot read an image or loses its loader processes.
    """
    while True:
        batch, failure = None, ""
        try:
            batch = next(batches, None)
        except WorkersDied as died:
            failure = str(died)
        except BadImage as bad:
            advice = "mend or remove it and go on with --continue_train, or use --bad_images skip"
            failure = f"{bad}\n{advice}"
        failed, ended, signal = distributed.most(bool(failure), batch is None, stop.signal)
        if failed:
            raise Unreadable("\n".join(text for text in distributed.gather(failure) if text))
        stop.agreed = signal
        if batch is None or ended or signal:
            return
        yield batch
