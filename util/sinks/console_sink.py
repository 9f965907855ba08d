"""Losses on the console, with a progress bar where there is a terminal."""

from __future__ import annotations

import sys
import time

import numpy as np
from tqdm import tqdm

from util.logger import At


def loss_line(at: At, losses: dict[str, float]) -> str:
    """The ancestor's line, in the format that its readers have always parsed."""
    head = (
        f"(epoch: {at.epoch}, iters: {at.epoch_images}, time: {at.time:.3f}, data: {at.data:.3f}) "
    )
    return head + " ".join(f"{name}: {value:.3f}" for name, value in losses.items())


class ConsoleSink:
    """Prints losses; on a terminal keeps one line with images/s, share of waiting for data, and time left."""

    def __init__(self, epoch_images: int, last_epoch: int) -> None:
        self.epoch_images, self.last_epoch = epoch_images, last_epoch
        self.bar: tqdm | None = None
        self.started, self.waited = time.perf_counter(), 0.0

    def progress(self, at: At, images: int) -> None:
        """Counts a step of so many images."""
        if not sys.stderr.isatty():
            return
        if self.bar is None:
            total = self.epoch_images * self.last_epoch
            done = (at.epoch - 1) * self.epoch_images + at.epoch_images - images
            self.bar = tqdm(total=total, initial=done, unit="img", smoothing=0.05)
        self.waited += at.data
        share = self.waited / max(1e-9, time.perf_counter() - self.started)
        self.bar.set_description(f"epoch {at.epoch}/{self.last_epoch}", refresh=False)
        self.bar.set_postfix_str(f"data wait {share:.0%}", refresh=False)
        self.bar.update(images)

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.message(loss_line(at, losses))

    scores = losses

    def health(self, at: At, values: dict[str, float]) -> None:
        """Nothing: the pages draw it."""

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        """Nothing: a console shows no images."""

    def message(self, text: str) -> None:
        """A line, above the progress bar."""
        if self.bar is None:
            print(text, flush=True)
        else:
            self.bar.write(text, file=sys.stdout)

    def close(self, ending: str) -> None:
        if self.bar is not None:
            self.bar.close()
