"""Losses on the console, with a line of progress where there is a terminal."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from util.logs.logger import At, Sink
from util.terminal import emphasised, styled

# What matters most comes first: a narrow terminal cuts off the end.
BAR = "{desc} {percentage:3.0f}% |{bar:10}| {remaining} left, {rate_fmt}{postfix}, {n_fmt}/{total_fmt}"


def loss_line(at: At, losses: dict[str, float]) -> str:
    """Words losses as the original code does; other programs parse that line."""
    return f"{_when(at)} {loss_text(losses)}"


def loss_text(losses: dict[str, float]) -> str:
    """Words names and values."""
    return " ".join(f"{name}: {value:.3f}" for name, value in losses.items())


def _when(at: At) -> str:
    return (
        f"(epoch: {at.epoch}, iters: {at.epoch_images}, time: {at.time:.3f}, data: {at.data:.3f})"
    )


class Pace:
    """Training speed from its making until `stop`: images per second and the share of time waiting for data."""

    def __init__(self) -> None:
        self.started, self.images, self.waited = time.perf_counter(), 0, 0.0
        self.stopped: float | None = None

    def count(self, images: int, waited: float) -> None:
        """Counts a step: its images, and the seconds it waited for them."""
        self.images += images
        self.waited += waited

    def stop(self) -> None:
        """Stops the clock: what follows, such as uploads, is no training."""
        self.stopped = time.perf_counter()

    @property
    def seconds(self) -> float:
        until = time.perf_counter() if self.stopped is None else self.stopped
        return max(1e-9, until - self.started)

    @property
    def waiting(self) -> float:
        """Share of the time that went into waiting, from 0 to 1."""
        return min(1.0, self.waited / self.seconds)

    def __str__(self) -> str:
        rate = self.images / self.seconds
        speed = f"{rate:.3g} images/s" if rate >= 1 or not rate else f"{1 / rate:.3g} s/image"
        return f"{speed}, {self.waiting:.0%} of the time waiting for data"


class ConsoleSink(Sink):
    """Prints losses; on a terminal keeps one line with images/s, share of waiting for data, and time left.

    last: the newest losses.
    """

    def __init__(self, epoch_images: int, last_epoch: int) -> None:
        self.epoch_images, self.last_epoch = epoch_images, last_epoch
        self.bar: tqdm | None = None
        self.pace = Pace()
        self.last: dict[str, float] = {}

    def progress(self, at: At, images: int) -> None:
        """Counts a step of so many images."""
        self.pace.count(images, at.data)
        if not sys.stderr.isatty():
            return
        if self.bar is None:
            total = self.epoch_images * self.last_epoch
            done = (at.epoch - 1) * self.epoch_images + at.epoch_images - images
            self.bar = tqdm(
                total=total,
                initial=done,
                unit=" images",
                smoothing=0.05,
                bar_format=BAR,
                dynamic_ncols=True,
                leave=False,
            )
        self.bar.set_description_str(f"epoch {at.epoch}/{self.last_epoch}", refresh=False)
        self.bar.set_postfix_str(f"data wait {self.pace.waiting:.0%}", refresh=False)
        self.bar.update(images)

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.last = losses
        self.scores(at, losses)

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self.message(f"{styled(_when(at), 'dim', sys.stdout)} {loss_text(scores)}")

    def message(self, text: str) -> None:
        """Prints a line, above the progress bar."""
        text = emphasised(text, sys.stdout)
        if self.bar is None:
            print(text, flush=True)
        else:
            self.bar.write(text, file=sys.stdout)

    def close(self, ending: str, reason: str = "") -> None:
        self.pace.stop()
        if self.bar is not None:
            self.bar.close()
            self.bar = None
