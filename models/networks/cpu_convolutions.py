"""Convolutions with PyTorch's names, weights and results, computed faster on a CPU where that pays.

Thresholds come from timings of single layers, see docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.winograd import TILE, tiles_of, winograd_conv2d

# Winograd's way pays from so many channels on: fewer multiplications outweigh its memory traffic.
LEAST_CHANNELS = 128
# And from so many tiles on: more with AVX-512, whose direct convolutions are faster.
LEAST_TILES = 64 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 32


class Conv2d(nn.Conv2d):
    """nn.Conv2d; wide ones of 3 x 3 or 4 x 4 without stride take Winograd's way on a CPU."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not (_is_ordinary(self, input) and self.stride == (1, 1) and self._pays(input)):
            return super().forward(input)
        rows, columns = _ints(self.padding)
        output = winograd_conv2d(F.pad(input, (columns, columns, rows, rows)), self.weight)
        return output if self.bias is None else output + self.bias[:, None, None]

    def _pays(self, input: torch.Tensor) -> bool:
        r, padding = self.kernel_size[0], _ints(self.padding)
        if r not in TILE or min(self.in_channels, self.out_channels) < LEAST_CHANNELS:
            return False
        height, width = (side + 2 * p for side, p in zip(input.shape[-2:], padding, strict=True))
        return min(height, width) >= r and tiles_of(len(input), height, width, r) >= LEAST_TILES


class ConvTranspose2d(nn.ConvTranspose2d):
    """nn.ConvTranspose2d; small images with many channels take one matrix product on a CPU.

    There the weights, not the images, are what has to be moved, and oneDNN reorders them in every call.
    """

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        if not _is_ordinary(self, input):
            return super().forward(input, output_size)
        count, channels, height, width = input.shape
        positions = count * height * width
        if output_size or 4 * positions > channels:
            return super().forward(input, output_size)
        rows = input.flatten(2).transpose(1, 2).reshape(positions, channels)
        patches = (rows @ self.weight.flatten(1)).view(count, height * width, -1).transpose(1, 2)
        kernel, stride, padding = _ints(self.kernel_size), _ints(self.stride), _ints(self.padding)
        size = [
            (side - 1) * stride[i] - 2 * padding[i] + kernel[i] + self.output_padding[i]
            for i, side in enumerate((height, width))
        ]
        output = F.fold(patches, _ints(size), kernel, padding=padding, stride=stride)
        return output if self.bias is None else output + self.bias[:, None, None]


def _ints(pair: Sequence[int | str]) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])


def _is_ordinary(layer: nn.Conv2d | nn.ConvTranspose2d, input: torch.Tensor) -> bool:
    """A batch on a CPU in full precision (for others PyTorch has fast code), and a layer without specialities."""
    return (
        input.device.type == "cpu"
        and input.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and input.dim() == 4
        and layer.groups == 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.kernel_size[0] == layer.kernel_size[1]
    )
