"""Puts a run back to where a snapshot says it stood, after comparing every part with what the run has."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from util import distributed
from util.checkpoints import files as checkpoint
from util.checkpoints.files import describe_misfit
from util.checkpoints.names import is_label
from util.checkpoints.state import Resumable
from util.errors import InputError
from util.terminal import printable

if TYPE_CHECKING:
    from util.training.progress import Progress

# Errors that content of a file can lead to in code which takes it for its own.
WRONG_CONTENT = (
    *(RuntimeError, ValueError, KeyError, TypeError, OverflowError, IndexError, AttributeError),
)
OPTIONAL = re.compile(r"^scaler_|^averages$|_ema$")  # not in a run of another --precision or --ema


def read_state(path: Path) -> dict[str, Any]:
    """Reads a `snapshot`; what it has besides networks, stateful and progress is empty where the file has none.

    Raises: InputError when the file is missing, damaged or something else.
    """
    state = checkpoint.load(path)
    parts = ("networks", "stateful", "progress")
    if not isinstance(state, dict) or not all(isinstance(state.get(p), dict) for p in parts):
        raise InputError(f"{path} is not a saved training state")
    others, job, first = (state.get(k) for k in ("other_processes", "job", "first_position"))
    return {
        **{part: state[part] for part in parts},
        **{part: _plain(state.get(part)) for part in ("flags", "versions")},
        "inference": state.get("inference"),
        "labels": _labels(state.get("labels")),
        "other_processes": [_mapping(own) for own in others] if isinstance(others, list) else [],
        "job": job if isinstance(job, str) else "",
        "first_position": first if isinstance(first, int) and first >= 0 else None,
    }


def restore(state: Mapping[str, Any], model: Resumable, progress: Progress, path: Path) -> None:
    """Puts model and progress where they were at a `snapshot`, which came from `path`.

    Raises: InputError when it belongs to other networks.
    """
    for kind, items in (("networks", model.saved_networks()), ("stateful", model.stateful())):
        for name, item in items.items():
            if OPTIONAL.search(name) and name not in state[kind]:
                continue
            if name not in state[kind]:
                raise InputError(f"{path} lacks {name}: it was saved by another --model")
            try:
                item.load_state_dict(_checked(item, state[kind][name]))
                _lay_out_as_parameters(item)
            except WRONG_CONTENT as error:
                raise InputError(
                    f"{path}: {name} does not fit ({_reason(error)}); continue with the run's own flags, "
                    "or start a new one under another --name"
                ) from None
    try:
        progress.load_state_dict(state["progress"])
    except WRONG_CONTENT as error:
        raise InputError(f"{path} is not a saved training state: {_reason(error)}") from None


def restore_own(
    everyone: Sequence[Mapping[str, Any]], model: Resumable, progress: Progress, path: Path
) -> None:
    """Gives this process what one process alone had, by all processes' `own_part`, the first one's first.

    As many processes as then: each has its own again. With another number some take over what another one had, the
    metric is the mean, and the images that were seen are counted as if dealt out evenly.
    Raises: InputError for content that does not fit.
    """
    own = everyone[distributed.rank() % len(everyone)]
    try:
        metric_sum = sum(float(each["metric_sum"]) for each in everyone) / len(everyone)
        if len(everyone) == distributed.world_size():
            metric_sum, progress.position = float(own["metric_sum"]), int(own["position"])
        if progress.metric_steps:
            progress.metric_sum = metric_sum
        for name, item in model.own_state().items():
            item.load_state_dict(own["stateful"][name])
    except WRONG_CONTENT as error:
        raise InputError(f"{path} is not a saved training state: {_reason(error)}") from None


def _labels(value: Any) -> list[str]:
    """Labels of network files; nothing that could be a path to elsewhere."""
    return [name for name in value if is_label(name)] if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> dict[str, Any]:
    """Texts and numbers by name, as flags are; the rest is left out."""
    return {
        printable(name): printable(item) if isinstance(item, str) else item
        for name, item in _mapping(value).items()
        if isinstance(name, str) and (item is None or isinstance(item, (str, int, float)))
    }


def _reason(error: Exception) -> str:
    return printable(str(error).splitlines()[-1].strip()[:200]) if str(error) else "wrong content"


def _checked(item: Any, saved: Any) -> Any:
    """Returns what `item.load_state_dict` may be given: content of the right kinds and shapes.

    Raises: ValueError when it is not.
    """
    if not isinstance(saved, dict):
        raise ValueError("it is no dict")
    if isinstance(item, nn.Module):
        if reason := describe_misfit(saved, item.state_dict()):
            raise ValueError(reason)
        return saved
    if isinstance(item, torch.optim.Optimizer):
        _check_moments(item, saved)
        # The settings, such as --beta1, are those that it was built with.
        return {**saved, "param_groups": item.state_dict()["param_groups"]}
    own = item.state_dict()
    if all(isinstance(value, (int, float)) for value in own.values()):
        for name, value in own.items():
            if not isinstance(saved.get(name), (int, float)) or not math.isfinite(saved[name]):
                raise ValueError(f"its {name} is no number")
            if isinstance(value, int) and (int(saved[name]) != saved[name] or saved[name] < 0):
                raise ValueError(f"its {name} is no count")
    return saved


def _check_moments(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Compares an optimizer's saved state with its parameters: fused kernels trust shapes and types.

    Raises: ValueError.
    """
    groups, moments = saved.get("param_groups"), saved.get("state")
    if not isinstance(groups, list) or not isinstance(moments, dict):
        raise ValueError("it is no optimizer's state")
    counts = [len(group["params"]) for group in groups]
    if counts != [len(group["params"]) for group in optimizer.param_groups]:
        raise ValueError("it has other parameters")
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if not moments:  # of a run that has not taken a step
        return
    if moments.keys() != set(range(len(parameters))):
        raise ValueError("it lacks moments of some parameters")
    names = set(moments[0])
    if isinstance(optimizer, torch.optim.Adam) and not {"step", "exp_avg", "exp_avg_sq"} <= names:
        raise ValueError("it lacks moments")
    for number, parameter in enumerate(parameters):
        own = moments[number]
        if not isinstance(own, dict) or set(own) != names:
            raise ValueError("its parameters have different moments")
        for name, value in own.items():
            if name == "step":
                _check_step(value)
            elif not torch.is_tensor(value) or value.shape != parameter.shape:
                raise ValueError(f"{printable(str(name))} has another shape than its parameter")
            elif not value.is_floating_point():
                raise ValueError(f"{printable(str(name))} has no real numbers")


def _check_step(value: Any) -> None:
    if torch.is_tensor(value) and value.numel() == 1 and not value.dim() and not value.is_complex():
        value = value.item()
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError("its step is no count")


def _lay_out_as_parameters(item: Any) -> None:
    """An optimizer's moments in the order of memory of its weights, which fused Adam insists on."""
    if not isinstance(item, torch.optim.Optimizer):
        return
    for parameter, moments in item.state.items():
        for name, moment in moments.items():
            alike = torch.is_tensor(moment) and moment.shape == parameter.shape
            if alike and moment.stride() != parameter.stride():
                moments[name] = torch.empty_like(parameter).copy_(moment)
