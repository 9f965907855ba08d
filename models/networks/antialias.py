"""Halving and doubling of images behind and before a low-pass filter, so that no frequency is folded (Zhang 2019).

As in the published code of CUT: binomial filters, which are saved with the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.channels_last import ReflectionPad2d


class Downsample(nn.Module):
    """(N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2)): every other pixel of the image blurred by [1, 2, 1] / 4."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad = ReflectionPad2d(1)
        self.filt: torch.Tensor
        self.register_buffer("filt", binomial_filter((1, 2, 1), channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(self.pad(x), _fitting(self.filt, x), stride=2, groups=x.shape[1])


class Upsample(nn.Module):
    """(N, C, H, W) -> (N, C, 2H, 2W) by [1, 3, 3, 1] / 4, which is bilinear; borders are repeated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad = nn.ReplicationPad2d(1)
        self.filt: torch.Tensor
        self.register_buffer("filt", 4 * binomial_filter((1, 3, 3, 1), channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = _repeat_border(x) if x.is_cuda else self.pad(x)  # (N, C, H + 2, W + 2)
        # (N, C, 2H + 6, 2W + 6), of which padding takes three pixels off each side
        filt = _fitting(self.filt, x)
        return F.conv_transpose2d(padded, filt, stride=2, padding=3, groups=x.shape[1])


def _fitting(filt: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The filters of as many channels as the images have: models/tiling follows pixels with one, in float32."""
    return filt[: x.shape[1]].to(x.dtype)


def _repeat_border(x: torch.Tensor) -> torch.Tensor:
    """nn.ReplicationPad2d(1) by copies, whose gradient on a GPU, unlike PyTorch's, is the same every time."""
    x = torch.cat([x[..., :1], x, x[..., -1:]], dim=-1)
    return torch.cat([x[..., :1, :], x, x[..., -1:, :]], dim=-2)


def binomial_filter(weights: Sequence[float], channels: int) -> torch.Tensor:
    """The outer product of weights with themselves, of sum 1, once for every channel: (channels, 1, k, k)."""
    line = torch.tensor(weights)
    square = torch.outer(line, line)
    return (square / square.sum()).repeat(channels, 1, 1, 1)
