"""Losses on the console: a table of epochs and a line of progress on a terminal, lines of losses elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from statistics import fmean

from util.device import duration
from util.logs.epoch_table import EpochTable, four_digits
from util.logs.logger import At, Sink
from util.logs.progress_bar import ProgressBar, speed
from util.terminal import emphasised, styled

NOTABLE = 0.1  # share of the time waiting for data from which on the line of progress tells it


def loss_line(at: At, losses: dict[str, float]) -> str:
    """Words losses as the original code does; other programs parse that line."""
    when = (
        f"(epoch: {at.epoch}, iters: {at.epoch_images}, time: {at.time:.3f}, data: {at.data:.3f})"
    )
    return " ".join([when, *(f"{name}: {value:.3f}" for name, value in losses.items())])


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
        return (
            f"{speed(self.images / self.seconds)}, {self.waiting:.0%} of the time waiting for data"
        )


class ConsoleSink(Sink):
    """Prints losses in the lines of the original code; on a terminal a row for each epoch and a line of progress.

    Attributes:
        table: the rows; None where the output goes elsewhere than to a terminal.
    """

    def __init__(self, epoch_images: int, last_epoch: int) -> None:
        self.epoch_images, self.last_epoch = epoch_images, last_epoch
        self.bar: ProgressBar | None = None
        self.pace = Pace()
        self.table = EpochTable() if sys.stdout.isatty() else None
        self.printed: list[dict[str, float]] = []  # losses of the epoch
        self.facts: list[str] = []  # their means, for the line of progress
        self.measured: dict[str, float] = {}

    def progress(self, at: At, images: int) -> None:
        """Counts a step of so many images."""
        self.pace.count(images, at.data)
        if not sys.stderr.isatty():
            return
        task = f"epoch {at.epoch}/{self.last_epoch}"
        if self.bar is None:
            total = self.epoch_images * self.last_epoch
            done = (at.epoch - 1) * self.epoch_images + at.epoch_images - images
            self.bar = ProgressBar(task, total, done)
        waiting = f"data wait {self.pace.waiting:.0%}"
        self.bar.task = task
        self.bar.facts = [*([waiting] if self.pace.waiting > NOTABLE else []), *self.facts]
        self.bar.update(images)

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.printed.append(losses)
        self.facts = loss_words(mean_losses(self.printed))
        if self.table is None:
            self.message(loss_line(at, losses))

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self.measured = scores
        if self.table is None:
            self.message(loss_line(at, scores))

    def routine(self, text: str) -> None:
        """Prints a line that says on a terminal what the row of the epoch says."""
        if self.table is None:
            self.message(text)

    def epoch(
        self,
        epoch: int,
        losses: Mapping[str, float],
        best: Sequence[str],
        learning_rate: float,
        seconds: float,
        *,
        saved: bool,
    ) -> None:
        """Ends an epoch, on a terminal with its row.

        Args:
            losses: means of the epoch.
            best: metrics by which it is the best so far, marked by a star.
            saved: whether the model was saved in it.
        """
        scores, self.measured, self.printed = self.measured, {}, []
        if self.table is None:
            return
        cells = {"epoch": str(epoch)}
        cells |= {name: four_digits(value) for name, value in losses.items()}
        stars = {f"val_{name}" for name in best}
        cells |= {
            name: four_digits(value) + ("*" if name in stars else " ")
            for name, value in scores.items()
        }
        cells |= {"lr": f"{learning_rate:.2g}", "time": duration(seconds)}
        others = [name for name in best if f"val_{name}" not in scores]
        remarks = [f"best {', '.join(others)}"] if others else ["saved"] if saved else []
        width = shutil.get_terminal_size().columns
        *names, row = self.table.row(cells, "".join(remarks), width)
        for line in names:
            self.message(styled(line, "bold", sys.stdout))
        self.message(row)

    def message(self, text: str) -> None:
        """Prints a line, above the progress bar."""
        text = emphasised(text, sys.stdout)
        if self.bar is None:
            print(text, flush=True)
        else:
            self.bar.write(text, file=sys.stdout)

    def close(self, ending: str, reason: str = "") -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def loss_words(losses: Mapping[str, float]) -> list[str]:
    """Words each loss, to be read by people."""
    return [f"{name} {four_digits(value)}" for name, value in losses.items()]


def mean_losses(printed: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Averages losses by name."""
    names = dict.fromkeys(name for losses in printed for name in losses)
    return {name: fmean(losses[name] for losses in printed if name in losses) for name in names}
