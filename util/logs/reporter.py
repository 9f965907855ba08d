"""The reporter of a run: losses and images when they are due, and lines for the user."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch

from options.train_options import TrainOptions
from options.wording import printable
from util import distributed
from util.errors import InputError
from util.images import to_uint8
from util.logs.logger import At, Logger
from util.logs.run_end import closing_rows
from util.logs.sinks import build_sinks
from util.logs.sinks.console import ConsoleSink, Pace
from util.terminal import columns
from util.training.progress import Progress, crossed

FEWEST = 10  # images between two things that are shown because an epoch ends
LONGEST = 600.0  # seconds without images, after which the next step shows some
QUIET = 10.0  # seconds without losses, after which the next step tells where the training stands


class Shown(Protocol):
    """A training step to be shown: scalars by name, images (N, C, H, W) in [-1, 1] by name."""

    losses: dict[str, torch.Tensor]
    visuals: dict[str, torch.Tensor]
    health: dict[str, torch.Tensor]


class Reporter:
    """Shows what training steps give, from the first process; waits for the device only when something is due.

    Losses and images are due every --print_freq and --display_freq images, at the last step of the run, and at the end
    of an epoch that would otherwise show none, as those of small data sets; images also after ten minutes without.

    Args:
        progress: the run's counters, which the caller keeps.
        device: what computes.
        displayable: makes pictures out of visuals.
    Attributes:
        ending: of the run, for all places at `close`: done, stopped, diverged, or failed until that is known.
    """

    def __init__(
        self,
        options: TrainOptions,
        progress: Progress,
        device: torch.device,
        displayable: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    ) -> None:
        self.options, self.progress = options, progress
        self.device, self.displayable = device, displayable
        self.is_main, self.ending, self.reason = distributed.is_main(), "failed", ""
        self.console = ConsoleSink(progress.epoch_images, options.optim.last_epoch)
        self.logger = Logger([])
        # Names of losses -> their sums over such steps of the epoch, on the device, and the number of steps.
        self.sums: dict[tuple[str, ...], torch.Tensor] = {}
        self.steps: Counter[tuple[str, ...]] = Counter()
        self.means: dict[str, float] = {}
        self.best: Sequence[str] = ()  # of this epoch's validation
        self.saved = False  # in this epoch
        self.shown = 0  # images of the run at the last step
        self.pictured = self.told = time.monotonic()

    def open(self, *, exactly: bool, examples: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Opens all places. Raises: InputError when the run's folder cannot be written to.

        exactly: whether the run goes on as if never stopped. examples: split and names of the fixed ones.
        """
        self.console.pace, self.shown = Pace(), self.progress.run_images
        if self.is_main:
            epoch_images = self.progress.epoch_images
            sinks = build_sinks(
                self.options, self.progress, exactly, epoch_images, self.device, self.say, examples
            )
            self.logger = Logger([self.console, *sinks])
            self.logger.position(self._at())

    def say(self, text: str) -> None:
        """Prints a line."""
        if self.is_main:
            self.console.message(text)

    def saving(self, text: str) -> None:
        """Prints that the model is saved as planned."""
        self.saved = True
        if self.is_main:
            self.console.routine(text)

    def step(
        self, step: Shown, images: int, learning_rate: float, *, waited: float, started: float
    ) -> None:
        """Takes in a step on so many images, which `progress` has counted; all processes take part.

        Args:
            waited: seconds for which the step waited for its images.
            started: when the step was, by time.perf_counter.
        """
        if step.losses:
            self._sum(step.losses)
        log, progress = self.options.log, self.progress
        before, self.shown = self.shown, progress.run_images
        at, now = replace(self._at(), data=waited, lr=learning_rate), time.monotonic()
        if self.is_main:
            self.console.progress(at, images)
        if self._due(before, log.print_freq):
            signs = {f"health/{name}": value for name, value in step.health.items()}
            means = distributed.mean({**step.losses, **signs})  # one wait for both
            values = {name: means[name] for name in step.losses}
            at = replace(at, time=(time.perf_counter() - started) / images)
            progress.curve.append([at.x, values])
            self.logger.losses(at, values)
            if signs:
                self.logger.health(at, {name: means[f"health/{name}"] for name in step.health})
            self.told = now
        elif now - self.told > QUIET:
            self.logger.position(at)
            self.told = now
        late = now - self.pictured > LONGEST
        if self.is_main and (late or self._due(before, log.display_freq)):
            self.pictured = now
            first = {name: images[:1] for name, images in step.visuals.items()}
            shown = self.displayable(first)
            self.logger.images(at, {name: to_uint8(image[0]) for name, image in shown.items()})

    def _at(self) -> At:
        """Returns where the training stands."""
        progress = self.progress
        where = progress.epoch, progress.seen, progress.run_images, progress.x
        return At(*where, trained=self.console.pace.seconds)

    def _sum(self, losses: Mapping[str, torch.Tensor]) -> None:
        """Adds losses to the epoch's sums, all at once: a step on a GPU is too short for an operation for each."""
        names = tuple(losses)
        found = [loss.detach().float() for loss in losses.values()]
        values = torch.stack([loss.sum() if loss.ndim else loss for loss in found])
        self.sums[names] = self.sums[names] + values if names in self.sums else values
        self.steps[names] += 1

    def _means(self) -> dict[str, torch.Tensor]:
        """Returns the epoch's mean of each loss over the steps that had it."""
        totals: dict[str, torch.Tensor] = {}
        counts = Counter[str]()
        for names, values in self.sums.items():
            for name, value in zip(names, values.unbind(), strict=True):
                totals[name] = totals[name] + value if name in totals else value
                counts[name] += self.steps[names]
        return {name: total / counts[name] for name, total in totals.items()}

    def _due(self, before: int, every: int) -> bool:
        """Tells whether to show a step, before which the run had so many images."""
        progress = self.progress
        now = progress.run_images
        if progress.seen < progress.epoch_images or crossed(before, now, every):
            return crossed(before, now, every)
        begin = now - progress.seen
        nothing_shown = not crossed(begin, now, every) and crossed(begin, now, FEWEST)
        return nothing_shown or progress.epoch == self.options.optim.last_epoch

    def validation(
        self,
        epoch: int,
        scores: dict[str, float],
        best: Sequence[str],
        learning_rate: float,
        *,
        started: float,
    ) -> None:
        """Takes in what a validation that started then measured, and which metrics were never better."""
        progress = self.progress
        at = At(epoch, progress.epoch_images, progress.run_images, float(epoch), lr=learning_rate)
        progress.curve.append([at.x, scores])
        self.logger.scores(at, scores)
        self.best = best
        news = f"; best so far by {', '.join(best)}" if best else ""
        if self.is_main:
            self.console.routine(f"validated in {time.perf_counter() - started:.0f} s{news}")

    def end_epoch(self, epoch: int, learning_rate: float, *, started: float) -> None:
        """Prints what an epoch that started then came to; all processes take part."""
        self._average()
        seconds = time.perf_counter() - started
        if self.is_main:
            self.console.routine(
                f"End of epoch {epoch} / {self.options.optim.last_epoch} \t Time Taken: {seconds:.0f} sec"
                f" \t learning rate {learning_rate:.7f}"
            )
            self.console.epoch(
                epoch, self.means, self.best, learning_rate, seconds, saved=self.saved
            )
        self.best, self.saved = (), False

    def _average(self) -> None:
        """Averages the losses of the epoch so far, over its steps and processes; keeps the last means where there are none."""
        if self.sums:
            self.means = distributed.mean(self._means())
            self.sums, self.steps = {}, Counter()

    def examples(
        self, epoch: int, pictures: Sequence[Mapping[str, np.ndarray]], learning_rate: float
    ) -> None:
        """Shows the fixed examples as the networks of the end of the epoch translate them."""
        progress = self.progress
        at = At(epoch, progress.epoch_images, progress.run_images, float(epoch), lr=learning_rate)
        if pictures:
            self.logger.examples(at, pictures)

    def hint(self, text: str) -> None:
        """Prints a line of the watchdog, and shows it in all places."""
        self.say(text)
        self.logger.hint(self._at(), text.removeprefix("hint: "))

    def fail(self, error: BaseException) -> None:
        """Takes in what ends the run."""
        known = isinstance(error, InputError)
        self.reason = printable(str(error) if known else f"{type(error).__name__}: {error}")

    def sum_up(self) -> None:
        """Prints how it went and what to do next; all processes take part."""
        self._average()
        if self.is_main:
            rows = closing_rows(self.options, self.progress, self.console.pace, self.means)
            self.say("\n" + "\n".join(columns(rows, sys.stdout)))

    def close(self) -> None:
        """Ends all places."""
        self.console.pace.stop()
        self.logger.position(self._at())
        self.logger.close(self.ending, self.reason if self.ending == "failed" else "")
