"""Where a run stands: all of it as one snapshot. `util.restore` is the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from util import distributed
from util.checkpoints import files as checkpoint
from util.distributed.launch import job
from util.metrics.catalogue import metric


class Resumable(Protocol):
    """What a model offers for saving."""

    def networks(self) -> dict[str, nn.Module]: ...

    def saved_networks(self) -> dict[str, nn.Module]: ...

    def stateful(self) -> dict[str, Any]: ...

    def own_state(self) -> dict[str, Any]: ...


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

    def count_metric(self, losses: Iterable[torch.Tensor]) -> None:
        """Adds up, on the device, a step's part of what --lr_policy plateau watches."""
        self.metric_sum = self.metric_sum + sum(losses)
        self.metric_steps += 1

    def count_validation(self, scores: Mapping[str, float]) -> list[str]:
        """Takes in a validation's values by metric; returns those metrics that have never been better."""
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
                if isinstance(state[f.name], int) and state[f.name] < 0:
                    raise ValueError(f"{f.name} is {state[f.name]}")
                setattr(self, f.name, state[f.name])
        self.seen = self.position
        self.position //= distributed.world_size()


def snapshot(model: Resumable, progress: Progress, flags: Mapping[str, Any]) -> dict[str, Any]:
    """All that a run needs to go on, copied: training may change the model while it is written.

    All processes have to take it together; {} in all but the first.
    """
    others = distributed.gather_at_main(own_part(model, progress))[1:]
    if not distributed.is_main():
        return {}
    rest = {
        "flags": dict(flags),
        "versions": versions(),
        "job": job(),
        "other_processes": others,
        "first_position": progress.position,
    }
    return {**standing(model, progress), **rest}


def own_part(model: Resumable, progress: Progress) -> dict[str, Any]:
    """What this process alone has."""
    own = {name: item.state_dict() for name, item in model.own_state().items()}
    return {
        "stateful": checkpoint.on_cpu(own),
        "metric_sum": float(progress.metric_sum),
        "position": progress.position,
    }


def standing(model: Resumable, progress: Progress) -> dict[str, Any]:
    """Networks, optimizers, pools and counters of this process, copied."""
    state = {
        "networks": {name: net.state_dict() for name, net in model.saved_networks().items()},
        "stateful": {name: item.state_dict() for name, item in model.stateful().items()},
        "progress": progress.state_dict(),
    }
    return checkpoint.on_cpu(state, copy=True)


def versions() -> dict[str, Any]:
    """What else the last bit of a result depends on."""
    return {
        "format": 1,
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
    }


def save_networks(folder: Path, label: str, networks: Mapping[str, Any]) -> None:
    """Writes the state_dict of every network as <label>_net_<name>.pth."""
    for name, weights in networks.items():
        checkpoint.save(checkpoint.network_path(folder, label, name), weights)


def complete_networks(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes the network files that belong to a state, where a kill came between it and them."""
    saved_at = (folder / checkpoint.STATE_FILE).stat().st_mtime
    for label in state["labels"]:
        for name, weights in state["networks"].items():
            path = checkpoint.network_path(folder, label, name)
            if not path.exists() or path.stat().st_mtime < saved_at:
                checkpoint.save(path, weights)
