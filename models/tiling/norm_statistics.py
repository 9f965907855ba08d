"""Norms over a whole image, computed from its parts: mean and variance are gathered first, norm by norm."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.norms import rebuilt
from models.tiling.receptive_field import normalizes_image


class Moments:
    """Mean and variance per channel of values that come in parts (Chan et al. 1979), in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros((), dtype=torch.float64)

    def add(self, values: torch.Tensor) -> None:
        """values: (1, C, H, W)."""
        if values.dtype in (torch.float16, torch.bfloat16):
            values = values.float()
        variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
        count = values[0, 0].numel()
        shift = mean.cpu().double() - self.mean
        total = self.count + count
        self.mean = self.mean + shift * (count / total)
        self.squares = (
            self.squares
            + variance.cpu().double() * count
            + shift.square() * (self.count * count / total)
        )
        self.count = total

    @property
    def variance(self) -> torch.Tensor:
        """Variance of the values themselves, not an estimate for more of their kind."""
        return self.squares / self.count


class Core(NamedTuple):
    """The part of a region, by fractions of its sides, that is computed as in the whole image."""

    top: float
    bottom: float
    left: float
    right: float

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """(..., H, W) -> the core, at whatever resolution the region is there."""
        height, width = x.shape[-2:]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return x[..., rows, round(self.left * width) : round(self.right * width)]


class Gathered(Exception):
    """Signal that a region has been run as far as its values are wanted."""


class ImageStatistics:
    """Mean and variance of what comes to each norm over the image, in the order in which norms are executed.

    `attached` gives a network that uses them. It runs on a region up to the first norm whose statistics are
    not known, adds the region's core to them and raises Gathered; `know` closes them.
    """

    def __init__(self) -> None:
        self.known: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.gathering = Moments()
        self.core = Core(0, 1, 0, 1)
        self.calls = 0

    def attached(self, network: nn.Module) -> nn.Module:
        """Returns the network with norms that ask here; it shares its parameters with the given one."""

        def layer(module: nn.Module) -> nn.Module | None:
            if not normalizes_image(module):
                return None
            assert isinstance(module, nn.modules.batchnorm._NormBase)
            return PartNorm(module, self)

        return rebuilt(network, layer)

    def enter(self, core: Core) -> None:
        """To be called before each region."""
        self.core, self.calls = core, 0

    def know(self) -> None:
        self.known.append((self.gathering.mean, self.gathering.variance))
        self.gathering = Moments()

    def next(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the norm that is now executed. Raises: Gathered, with x's core added, when they are not known."""
        if self.calls == len(self.known):
            self.gathering.add(self.core.of(x))
            raise Gathered
        self.calls += 1
        return self.known[self.calls - 1]


class PartNorm(nn.Module):
    """A norm over the whole image, applied to a part of it."""

    def __init__(self, norm: nn.modules.batchnorm._NormBase, statistics: ImageStatistics) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.of = statistics

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = x.dtype in (torch.float16, torch.bfloat16)
        precise = torch.float32 if half else x.dtype
        mean, variance = (value.to(precise).to(x.device) for value in self.of.next(x))
        return F.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)
