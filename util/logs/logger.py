"""The logger: hands losses and images on to all sinks, and drops a sink that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class At:
    """The point of a run at which something happened.

    Attributes:
        epoch, epoch_images: the epoch, from 1, and the images of it seen so far.
        run_images: images since the start of the run.
        x: epochs done, with their fraction: where a point lies on a curve.
        time, data: seconds an image took, and seconds that a step waited for data.
        lr: learning rate.
        trained: seconds for which this process has trained; 0 where it is not told.
    """

    epoch: int
    epoch_images: int
    run_images: int
    x: float
    time: float = 0.0
    data: float = 0.0
    lr: float = 0.0
    trained: float = 0.0


class Sink:
    """A place where losses and images go; one that has no use for some of them leaves those methods out."""

    def position(self, at: At) -> None:
        """Where the training stands: at both ends of it, and every few seconds while there are no losses."""

    def losses(self, at: At, losses: dict[str, float]) -> None:
        """Weighted losses by name."""

    def scores(self, at: At, scores: dict[str, float]) -> None:
        """Results of a validation, by name."""

    def health(self, at: At, values: dict[str, float]) -> None:
        """Signs of whether training goes well, by name; only with --log_health."""

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        """uint8 (H, W, 3) or (H, W) by name."""

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Translations of the fixed examples, in their order, each as `images`; once an epoch."""

    def hint(self, at: At, text: str) -> None:
        """A sign that the training goes wrong, and what to do."""

    def close(self, ending: str, reason: str = "") -> None:
        """The run has ended: done, diverged (done, but its losses ran away), stopped (to go on some day) or failed.

        reason: why it failed.
        """


class Logger:
    """All sinks as one. Nothing a sink raises stops a run."""

    def __init__(self, sinks: list[Sink]) -> None:
        self.sinks = list(sinks)

    def position(self, at: At) -> None:
        self._each(lambda sink: sink.position(at))

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self._each(lambda sink: sink.losses(at, losses))

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self._each(lambda sink: sink.scores(at, scores))

    def health(self, at: At, values: dict[str, float]) -> None:
        self._each(lambda sink: sink.health(at, values))

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        self._each(lambda sink: sink.images(at, images))

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        self._each(lambda sink: sink.examples(at, pictures))

    def hint(self, at: At, text: str) -> None:
        self._each(lambda sink: sink.hint(at, text))

    def close(self, ending: str, reason: str = "") -> None:
        self._each(lambda sink: sink.close(ending, reason))

    def _each(self, call: Callable[[Sink], None]) -> None:
        for sink in list(self.sinks):
            try:
                call(sink)
            except Exception as error:  # any failure of any back end: it must not cost the run
                self.sinks.remove(sink)
                logging.getLogger(__name__).warning(
                    "%s is switched off for the rest of this run: %s",
                    type(sink).__name__,
                    str(error) or type(error).__name__,
                )
