"""What a run shows: losses and images when they are due, and lines for the user."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import torch

from options.train_options import TrainOptions
from util import distributed
from util.images import to_uint8
from util.logs.logger import At, Logger
from util.logs.run_end import closing_rows
from util.logs.sinks import build_sinks
from util.logs.sinks.console import ConsoleSink, Pace
from util.terminal import columns
from util.training.progress import Progress, crossed


class Shown(Protocol):
    """What there is to show of a training step: scalars by name, images (N, C, H, W) in [-1, 1] by name."""

    losses: dict[str, torch.Tensor]
    visuals: dict[str, torch.Tensor]
    health: dict[str, torch.Tensor]


class Reporter:
    """Hands on what a training step gives, from the first process; only then waits for the device.

    device: what computes. displayable: makes pictures out of visuals.
    """

    def __init__(
        self,
        options: TrainOptions,
        epoch_images: int,
        device: torch.device,
        displayable: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    ) -> None:
        self.options, self.epoch_images = options, epoch_images
        self.device, self.displayable = device, displayable
        self.is_main = distributed.is_main()
        self.console = ConsoleSink(epoch_images, options.optim.last_epoch)
        self.logger = Logger([])
        self.shown = 0  # images of the run at the last step

    def open(self, progress: Progress, exactly: bool) -> None:
        """Opens the places where all goes. Raises: InputError when the run's folder cannot be written to."""
        self.shown = progress.run_images
        self.console.pace = Pace()
        if self.is_main:
            sinks = build_sinks(
                self.options, progress, exactly, self.epoch_images, self.device, self.say
            )
            self.logger = Logger([self.console, *sinks])

    def say(self, text: str) -> None:
        """Prints a line."""
        if self.is_main:
            with suppress(OSError):  # whoever read our output may be gone; the run goes on
                self.console.message(text)

    def step(
        self, at: At, step: Shown, images: int, *, started: float, last: bool
    ) -> dict[str, float]:
        """Takes in a step on so many images; returns its losses, as means over processes, if they were due.

        Args:
            started: when the step was, by time.perf_counter.
            last: whether it is the run's last, which is shown in any case.
        """
        log, before, self.shown = self.options.log, self.shown, at.run_images
        if self.is_main:
            self.console.progress(at, images)
        values: dict[str, float] = {}
        if last or crossed(before, at.run_images, log.print_freq):
            signs = {f"health/{name}": value for name, value in step.health.items()}
            means = distributed.mean({**step.losses, **signs})  # one wait for both
            values = {name: means[name] for name in step.losses}
            at = replace(at, time=(time.perf_counter() - started) / images)
            self.logger.losses(at, values)
            if signs:
                self.logger.health(at, {name: means[f"health/{name}"] for name in step.health})
        if self.is_main and (last or crossed(before, at.run_images, log.display_freq)):
            first = {name: images[:1] for name, images in step.visuals.items()}
            shown = self.displayable(first)
            self.logger.images(at, {name: to_uint8(image[0]) for name, image in shown.items()})
        return values

    def scores(self, at: At, scores: dict[str, float]) -> None:
        """Takes in what a validation measured."""
        self.logger.scores(at, scores)

    def sum_up(self, progress: Progress) -> None:
        """Prints how it went and what to do next."""
        if self.is_main:
            rows = closing_rows(self.options, progress, self.console.pace, self.console.last)
            self.say("\n" + "\n".join(columns(rows, sys.stdout)))

    def close(self, ending: str) -> None:
        """Ends it all: done, stopped or failed."""
        self.logger.close(ending)
