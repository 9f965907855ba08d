"""Weights and images that can be written down: what the golden numbers were recorded with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn


def fill(network: nn.Module, keys: Iterable[str]) -> None:
    """Fills the network in place, tensor k of the sorted keys with sin(0.37 i + 1.7 k), scaled by its role.

    Tensors that are not among the keys (biases that the reference lacks) become zero. Counters and blur filters stay.
    """
    counted = sorted(key for key in keys if not key.endswith(("num_batches_tracked", "filt")))
    state = network.state_dict()
    for key, value in state.items():
        if not key.endswith(("num_batches_tracked", "filt")) and key not in counted:
            value.zero_()
    for k, key in enumerate(counted):
        state[key].copy_(_values(key, state[key].shape, k))
    network.load_state_dict(state)


def _values(key: str, shape: torch.Size, k: int) -> torch.Tensor:
    v = torch.sin(0.37 * torch.arange(shape.numel(), dtype=torch.float64) + 1.7 * k)
    if len(shape) >= 2:
        v = v * math.sqrt(2 / shape[1:].numel())
    elif key.endswith(("weight", "running_var")):
        v = 1 + 0.1 * v
    else:
        v = 0.1 * v
    return v.reshape(shape)


def image(
    batch: int, channels: int, size: int | Sequence[int], phase: float = 0.0, step: int = 0
) -> torch.Tensor:
    """(batch, channels, height, width) float64 in [-0.9, 0.9]: waves along all axes; size: both sides, or each."""
    height, width = (size, size) if isinstance(size, int) else size
    b, c, h, w = (
        torch.arange(n, dtype=torch.float64).reshape(-1, *[1] * (3 - axis))
        for axis, n in enumerate((batch, channels, height, width))
    )
    return 0.9 * torch.sin(0.9 * c + 0.05 * h * (b + 1) + 0.031 * w + phase + 0.5 * step)
