"""Moving averages of the generators' weights, which often translate better than the weights of any one step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from util.checkpoints.names import AVERAGED


def decay_per_step(memory: float | str, images_per_step: int, run_images: int) -> float:
    """The decay that --ema stands for.

    Args:
        memory: a decay below 1, a half-life in images, or one as a share of the run ("5%").
        images_per_step: of all processes together.
        run_images: from the first epoch to the last.
    Returns: a number in 0..1; with a half-life of H images what n images ago was counts 0.5 ** (n / H).
    """
    if isinstance(memory, str):
        half_life = float(memory.removesuffix("%")) / 100 * run_images
    elif memory < 1:
        return memory
    else:
        half_life = memory
    return 0.5 ** (images_per_step / max(half_life, 1))


class Averages:
    """Exponential moving averages, unbiased from the first step on (the correction of Adam's moments).

    After n steps the step k back counts decay^k, all of them together 1: after the first step the average is that step's
    weights, not the random ones of the beginning. Statistics of batch norm are averaged likewise.

    Args:
        networks: name -> generator.
        decay: of what is remembered, per step, in 0..1.

    Attributes:
        networks: <name>_ema -> the same network with averaged weights.
        updates: steps averaged so far.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.networks = {
            f"{name}{AVERAGED}": copy.deepcopy(network).requires_grad_(False)
            for name, network in networks.items()
        }
        self._followed = list(networks.values())

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights as they are now."""
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.updates)
        for average, network in zip(self.networks.values(), self._followed, strict=True):
            torch._foreach_lerp_(_numbers(average), _numbers(network), share)
            for kept, counter in zip(average.buffers(), network.buffers(), strict=True):
                if not counter.is_floating_point():
                    kept.copy_(counter)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.updates = int(state["updates"])


def _numbers(network: nn.Module) -> list[torch.Tensor]:
    """Lists weights and statistics, without counters."""
    buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    return [*network.parameters(), *buffers]
