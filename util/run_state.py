"""Where a run stands: all of it as one snapshot, and back."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from util import checkpoint, distributed
from util.errors import InputError

LABEL = re.compile(r"latest|\d+|iter_\d+")


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
        epoch_images: images of a whole epoch, of all processes.
        run_images: images since the start of the run, of all processes.
        iteration: steps since the start of the run.
        metric: per finished epoch, what --lr_policy plateau watches.
        metric_sum, metric_steps: the same for the epoch being trained.
        curve: [x, losses] of every print, so that plots go on after resuming.
    """

    epoch: int = 1
    position: int = 0
    epoch_images: int = 0
    run_images: int = 0
    iteration: int = 0
    metric: list[float] = field(default_factory=list)
    metric_sum: float | torch.Tensor = 0.0
    metric_steps: int = 0
    curve: list[Any] = field(default_factory=list)

    def count_metric(self, losses: Iterable[torch.Tensor]) -> None:
        """Adds up, on the device, a step's part of what --lr_policy plateau watches."""
        self.metric_sum = self.metric_sum + sum(losses)
        self.metric_steps += 1

    def next_epoch(self) -> None:
        """Closes the epoch."""
        if self.metric_steps:
            total = distributed.mean({"total": torch.as_tensor(self.metric_sum)})["total"]
            self.metric.append(total / self.metric_steps)
        self.metric_sum, self.metric_steps = 0.0, 0
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        state = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        state["position"] *= distributed.world_size()
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
        self.position //= distributed.world_size()  # which may be another than it was


def snapshot(model: Resumable, progress: Progress, flags: Mapping[str, Any]) -> dict[str, Any]:
    """All that a run needs to go on, copied: training may change the model while it is written."""
    state = {
        "networks": {name: net.state_dict() for name, net in model.networks().items()},
        "stateful": {name: item.state_dict() for name, item in model.stateful().items()},
        "progress": progress.state_dict(),
        "flags": dict(flags),
        "versions": versions(),
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


def load_state(folder: Path, model: Resumable, progress: Progress) -> dict[str, Any]:
    """Puts model and progress where they were at the `snapshot` in the folder.

    Returns: its networks, labels, flags and versions, the last three empty where the file has none.

    Raises: InputError when the file is damaged or belongs to other networks.
    """
    path = folder / checkpoint.STATE_FILE
    state = checkpoint.load(path)
    parts = ("networks", "stateful", "progress")
    if not isinstance(state, dict) or not all(isinstance(state.get(p), dict) for p in parts):
        raise InputError(f"{path} is not a saved training state")
    for kind, items in (("networks", model.networks()), ("stateful", model.stateful())):
        for name, item in items.items():
            if name.startswith("scaler_") and name not in state[kind]:
                continue  # saved by a run in another precision
            if name not in state[kind]:
                raise InputError(f"{path} lacks {name}: it was saved by another --model")
            try:
                item.load_state_dict(_with_own_settings(item, state[kind][name]))
                _lay_out_as_parameters(item)
            except (RuntimeError, ValueError, KeyError, TypeError) as error:
                reason = str(error).splitlines()[-1].strip() if str(error) else "wrong content"
                raise InputError(
                    f"{path}: {name} does not fit ({reason}); continue with the run's own flags, "
                    "or start a new one under another --name"
                ) from None
    try:
        progress.load_state_dict(state["progress"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} is not a saved training state: {error}") from None
    return {
        "networks": {name: state["networks"][name] for name in model.networks()},
        "labels": _labels(state.get("labels")),
        **{part: _mapping(state.get(part)) for part in ("flags", "versions")},
    }


def _labels(value: Any) -> list[str]:
    """Labels of network files; nothing that could be a path to elsewhere."""
    labels = value if isinstance(value, list) else []
    return [name for name in labels if isinstance(name, str) and LABEL.fullmatch(name)]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _lay_out_as_parameters(item: Any) -> None:
    """An optimizer's moments in the order of memory of its weights, which fused Adam insists on."""
    if not isinstance(item, torch.optim.Optimizer):
        return
    for parameter, moments in item.state.items():
        for name, moment in moments.items():
            alike = torch.is_tensor(moment) and moment.shape == parameter.shape
            if alike and moment.stride() != parameter.stride():
                moments[name] = torch.empty_like(parameter).copy_(moment)


def _with_own_settings(item: Any, saved: Any) -> Any:
    """An optimizer's saved moments with the settings, such as --beta1, that it was built with."""
    if not isinstance(item, torch.optim.Optimizer):
        return saved
    own = item.state_dict()["param_groups"]
    counts = [len(group["params"]) for group in saved["param_groups"]]
    if counts != [len(group["params"]) for group in own]:
        raise ValueError("it has other parameters")
    return {**saved, "param_groups": own}
