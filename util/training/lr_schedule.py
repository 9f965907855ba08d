"""Learning rate schedules: pure functions of the epoch, which is numbered from 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

from options.train_options import OptimOptions


def linear_multiplier(epoch: int, n_epochs: int, n_epochs_decay: int) -> float:
    """1 for n_epochs epochs, then linearly towards 0, reached one epoch after the last."""
    return 1 - max(0, epoch - n_epochs) / (n_epochs_decay + 1)


def step_multiplier(epoch: int, step: int) -> float:
    """Divided by ten after every `step` epochs."""
    return 0.1 ** ((epoch - 1) // step)


def cosine_multiplier(epoch: int, last_epoch: int) -> float:
    """Half a cosine over the whole schedule, from 1 towards 0, reached one epoch after the last."""
    return 0.5 * (1 + math.cos(math.pi * (epoch - 1) / last_epoch))


def plateau_multiplier(
    metric: Sequence[float], factor: float = 0.2, threshold: float = 0.01, patience: int = 5
) -> float:
    """Times `factor` whenever more than `patience` epochs in a row failed to improve.

    Args:
        metric: one value per finished epoch, smaller is better; an epoch improves when it is below
            (1 - threshold) times the best so far.
    """
    multiplier, best, bad = 1.0, math.inf, 0
    for value in metric:
        if value < best * (1 - threshold):
            best, bad = value, 0
        else:
            bad += 1
        if bad > patience:
            multiplier, bad = multiplier * factor, 0
    return multiplier


def lr_multiplier(
    epoch: int,
    policy: str,
    n_epochs: int,
    n_epochs_decay: int,
    lr_decay_iters: int,
    metric: Sequence[float] = (),
) -> float:
    """The factor on --lr during an epoch, for --lr_policy; `metric` feeds plateau alone."""
    if policy == "linear":
        return linear_multiplier(epoch, n_epochs, n_epochs_decay)
    if policy == "step":
        return step_multiplier(epoch, lr_decay_iters)
    if policy == "cosine":
        return cosine_multiplier(epoch, n_epochs + n_epochs_decay)
    if policy == "plateau":
        return plateau_multiplier(metric)
    raise ValueError(f"unknown learning rate policy {policy!r}")


def multiplier(optim: OptimOptions, epoch: int, metric: Sequence[float]) -> float:
    """The factor on the rate during an epoch, as the options say."""
    schedule = optim.n_epochs, optim.n_epochs_decay, optim.lr_decay_iters
    return lr_multiplier(epoch, optim.lr_policy, *schedule, metric)


def epoch_rate(optim: OptimOptions, epoch: int, metric: Sequence[float], processes: int) -> float:
    """The learning rate of an epoch."""
    return base_rate(optim, processes) * multiplier(optim, epoch, metric)


def base_rate(optim: OptimOptions, processes: int) -> float:
    """The learning rate before the schedule.

    --scale_lr keeps Adam's steps in proportion to the noise of gradients (arXiv:2205.10287).
    """
    return optim.lr * (processes**0.5 if optim.scale_lr else 1)
