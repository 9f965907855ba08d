"""Counters of a training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from options.metrics import metric
from util import distributed


@dataclass
class Progress:
    """Counters of a run.

    Attributes:
        epoch: the epoch being trained, from 1.
        position: images of it that this process has been handed.
        seen: the same of all processes.
        epoch_images: images of a whole epoch, of all processes.
        run_images: images since the start of the run, of all processes.
        iteration: steps since the start of the run.
        metric: per finished epoch, what --lr_policy plateau watches.
        metric_sum, metric_steps: the same for the epoch being trained.
        best: metric -> the best validation's value.
        stale: validations since the first metric was best.
        curve: [x, losses] of every print, so that plots go on after resuming.
    """

    epoch: int = 1
    position: int = 0
    seen: int = 0
    epoch_images: int = 0
    run_images: int = 0
    iteration: int = 0
    metric: list[float] = field(default_factory=list)
    metric_sum: float | torch.Tensor = 0.0
    metric_steps: int = 0
    best: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    curve: list[Any] = field(default_factory=list)

    def advance(self, images: int, *, position: int, seen: int) -> None:
        """Counts a step on so many images of all processes, and where the epoch stands after it."""
        self.run_images += images
        self.iteration += 1
        self.position, self.seen = position, seen

    @property
    def x(self) -> float:
        """Epochs done, with their fraction."""
        return self.epoch - 1 + self.seen / self.epoch_images

    def count_metric(self, losses: Iterable[torch.Tensor]) -> None:
        """Adds up, on the device, a step's part of what --lr_policy plateau watches."""
        self.metric_sum = self.metric_sum + sum(losses)
        self.metric_steps += 1

    def count_validation(self, scores: Mapping[str, float]) -> list[str]:
        """Takes in a validation's values by metric; returns the metrics that have never been better."""
        best = [
            name
            for name, value in scores.items()
            if name not in self.best or metric(name).better(value, self.best[name])
        ]
        self.best |= {name: scores[name] for name in best}
        self.stale = 0 if next(iter(scores), None) in best else self.stale + 1
        return best

    def next_epoch(self) -> None:
        """Closes the epoch."""
        if self.metric_steps:
            total = distributed.mean({"total": torch.as_tensor(self.metric_sum)})["total"]
            self.metric.append(total / self.metric_steps)
        self.metric_sum, self.metric_steps = 0.0, 0
        self.epoch, self.position, self.seen = self.epoch + 1, 0, 0

    def state_dict(self) -> dict[str, Any]:
        state = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        # Of all processes, which may be more or fewer when the run goes on; their own is in `own_part`.
        state["position"] = state.pop("seen")
        return {**state, "metric_sum": float(self.metric_sum)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises: TypeError or ValueError for a counter that is none."""
        for f in dataclasses.fields(self):
            if f.name in state:
                if not isinstance(state[f.name], type(getattr(self, f.name))):
                    raise TypeError(f"{f.name} is {state[f.name]!r}")
                if isinstance(state[f.name], int) and not 0 <= state[f.name] < 2**60:
                    raise ValueError(f"{f.name} is {state[f.name]}")
                setattr(self, f.name, state[f.name])
        if not _numbers(self.metric) or not _numbers(self.best.values()):
            raise ValueError("metric and best hold no numbers")
        for point in self.curve:
            x, losses = point
            if not _numbers([x]) or not isinstance(losses, dict) or not _numbers(losses.values()):
                raise ValueError("its curve holds no numbers")
        self.seen = self.position
        self.position //= distributed.world_size()


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def crossed(before: int, after: int, every: int) -> bool:
    """Tells whether a count that went from before to after passed a multiple of `every`."""
    return after // every > before // every
