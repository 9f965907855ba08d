"""Snapshots of a run: everything that it needs to go on. `restore` is the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from util import distributed
from util.checkpoints import files as checkpoint
from util.checkpoints.inference_settings import (
    UNKNOWN,
    InferenceSettings,
    parse_settings,
    record_settings,
)
from util.checkpoints.names import STATE_FILE, network_path
from util.distributed.launch import job

if TYPE_CHECKING:
    from util.training.progress import Progress


class Resumable(Protocol):
    """Parts of a model that are saved."""

    def networks(self) -> dict[str, nn.Module]: ...

    def saved_networks(self) -> dict[str, nn.Module]: ...

    def stateful(self) -> dict[str, Any]: ...

    def own_state(self) -> dict[str, Any]: ...


def snapshot(
    model: Resumable,
    progress: Progress,
    flags: Mapping[str, Any],
    settings: InferenceSettings = UNKNOWN,
) -> dict[str, Any]:
    """Copies all that a run needs to go on, as training may change the model while it is written.

    All processes have to take it together; {} in all but the first.
    """
    others = distributed.gather_at_main(own_part(model, progress))[1:]
    if not distributed.is_main():
        return {}
    rest = {
        "flags": dict(flags),
        "inference": dataclasses.asdict(settings),
        "versions": versions(),
        "job": job(),
        "other_processes": others,
        "first_position": progress.position,
    }
    return {**standing(model, progress), **rest}


def own_part(model: Resumable, progress: Progress) -> dict[str, Any]:
    """Copies what this process alone has."""
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
    """Returns what the last bit of a result depends on besides."""
    return {
        "format": 1,
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
    }


def save_networks(folder: Path, label: str, networks: Mapping[str, Any]) -> None:
    """Writes the state_dict of every network as <label>_net_<name>.pth."""
    for name, weights in networks.items():
        checkpoint.save(network_path(folder, label, name), weights)


def complete_networks(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes the network files that belong to a state, where a kill came between it and them."""
    saved_at = (folder / STATE_FILE).stat().st_mtime
    for label in state["labels"]:
        for name, weights in state["networks"].items():
            path = network_path(folder, label, name)
            if not path.exists() or path.stat().st_mtime < saved_at:
                checkpoint.save(path, weights)
    if settings := parse_settings(state["inference"]):
        record_settings(folder, state["labels"], settings)
