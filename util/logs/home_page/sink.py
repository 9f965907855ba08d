"""A run's part of the page of all runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from util.logs.example_files import suffix_of
from util.logs.home_page.folders import write_home
from util.logs.home_page.summary import Summary, write_summary
from util.logs.logger import At, Sink

SHARE = 0.002  # of the time may go into it


class HomeSink(Sink):
    """Keeps the run's summary up to date, and at both ends of the run the list of all.

    Args:
        checkpoints: folder of all runs.
        summary: of the run's earlier part.
        interval: seconds between updates, at least.
    """

    def __init__(
        self, checkpoints: Path, folder: Path, summary: Summary, interval: float = 10.0
    ) -> None:
        self.checkpoints, self.web, self.summary = checkpoints, folder / "web", summary
        self.interval, self.due, self.listed = interval, 0.0, False

    def position(self, at: At) -> None:
        self.summary.position(at)
        self._update()

    def losses(self, at: At, losses: Mapping[str, float]) -> None:
        self.summary.losses(at, losses, time.time())
        self._update()

    def scores(self, at: At, scores: Mapping[str, float]) -> None:
        self.summary.scores(at, scores)

    def images(self, at: At, images: Mapping[str, np.ndarray]) -> None:
        self.summary.show_images(at.epoch, at.run_images, list(images))

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        labels, suffix = list(pictures[0]), suffix_of(pictures)
        self.summary.show_examples(at.epoch, at.run_images, labels, suffix)
        self._update()

    def hint(self, at: At, text: str) -> None:
        self.summary.hints += 1

    def close(self, ending: str, reason: str = "") -> None:
        self.due = 0.0
        self._update(ending, reason)
        write_home(self.checkpoints)

    def _update(self, ending: str = "", reason: str = "") -> None:
        began = time.perf_counter()
        if began < self.due:
            return
        write_summary(self.web, self.summary.content(time.time(), ending, reason))
        if not self.listed:
            write_home(self.checkpoints)
            self.listed = True
        now = time.perf_counter()
        self.due = now + max(self.interval, (now - began) / SHARE)
