"""Putting a run back to where a snapshot says it stood."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from util import distributed
from util.checkpoints import files as checkpoint
from util.checkpoints.state import Resumable
from util.errors import InputError

if TYPE_CHECKING:
    from util.training.progress import Progress

OPTIONAL = re.compile(r"^scaler_|^averages$|_ema$")  # not in a run of another --precision or --ema


def read_state(path: Path) -> dict[str, Any]:
    """A `snapshot`; what it says beside networks, stateful and progress is empty where the file has none.

    Raises: InputError when the file is missing, damaged or something else.
    """
    state = checkpoint.load(path)
    parts = ("networks", "stateful", "progress")
    if not isinstance(state, dict) or not all(isinstance(state.get(p), dict) for p in parts):
        raise InputError(f"{path} is not a saved training state")
    others, job, first = (state.get(k) for k in ("other_processes", "job", "first_position"))
    return {
        **{part: _mapping(state.get(part)) for part in (*parts, "flags", "versions")},
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
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a saved training state: {error}") from None


def _labels(value: Any) -> list[str]:
    """Labels of network files; nothing that could be a path to elsewhere."""
    return [name for name in value if checkpoint.is_label(name)] if isinstance(value, list) else []


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
