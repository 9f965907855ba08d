"""Where a run stands, and saving and restoring all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from util import checkpoint, distributed
from util.errors import InputError


class Resumable(Protocol):
    """What a model offers for saving."""

    def networks(self) -> dict[str, nn.Module]: ...

    def stateful(self) -> dict[str, Any]: ...


@dataclass
class Progress:
    """Counters of a run.

    Attributes:
        epoch: the epoch being trained, from 1.
        position: images of it that this process has been handed.
        run_images: images since the start of the run, of all processes.
        iteration: steps since the start of the run.
        metric: per finished epoch, what --lr_policy plateau watches.
        metric_sum, metric_steps: the same for the epoch being trained.
        curve: [x, losses] of every print, so that plots go on after resuming.
    """

    epoch: int = 1
    position: int = 0
    run_images: int = 0
    iteration: int = 0
    metric: list[float] = field(default_factory=list)
    metric_sum: float | torch.Tensor = 0.0
    metric_steps: int = 0
    curve: list[Any] = field(default_factory=list)

    def next_epoch(self) -> None:
        """Closes the epoch."""
        if self.metric_steps:
            total = distributed.mean({"total": torch.as_tensor(self.metric_sum)})["total"]
            self.metric.append(total / self.metric_steps)
        self.metric_sum, self.metric_steps = 0.0, 0
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        state = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**state, "metric_sum": float(self.metric_sum)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for f in dataclasses.fields(self):
            if f.name in state:
                setattr(self, f.name, state[f.name])


def save_networks(folder: Path, label: str, model: Resumable) -> None:
    """Writes <label>_net_<name>.pth for every network: plain state_dicts."""
    for name, network in model.networks().items():
        checkpoint.save(checkpoint.network_path(folder, label, name), network.state_dict())


def save_state(
    folder: Path, model: Resumable, progress: Progress, flags: Mapping[str, Any]
) -> None:
    """Writes the one file from which the run resumes, with nothing else needed."""
    state = {
        "networks": {name: net.state_dict() for name, net in model.networks().items()},
        "stateful": {name: item.state_dict() for name, item in model.stateful().items()},
        "progress": progress.state_dict(),
        "flags": dict(flags),
        "versions": {"format": 1, "torch": str(torch.__version__)},
    }
    checkpoint.save(folder / checkpoint.STATE_FILE, state)


def load_state(folder: Path, model: Resumable, progress: Progress) -> None:
    """Puts model and progress where `save_state` left them.

    Raises: InputError when the file is damaged or belongs to other networks.
    """
    path = folder / checkpoint.STATE_FILE
    state = checkpoint.load(path)
    if not isinstance(state, dict) or not {"networks", "stateful", "progress"} <= state.keys():
        raise InputError(f"{path} is not a saved training state")
    for kind, items in (("networks", model.networks()), ("stateful", model.stateful())):
        for name, item in items.items():
            if name not in state[kind]:
                raise InputError(f"{path} lacks {name}: it was saved by another --model")
            try:
                item.load_state_dict(state[kind][name])
            except (RuntimeError, ValueError, KeyError, TypeError) as error:
                reason = str(error).splitlines()[-1].strip() if str(error) else "wrong content"
                raise InputError(
                    f"{path}: {name} does not fit ({reason}); continue with the run's own flags, "
                    "or start a new one under another --name"
                ) from None
    progress.load_state_dict(state["progress"])
