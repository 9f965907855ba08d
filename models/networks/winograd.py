"""Convolution by fewer multiplications (Winograd 1980; Lavin & Gray 2016), written as matrix products.

An output tile of m x m pixels of an r x r convolution takes (m + r - 1)^2 multiplications per pair of channels instead
of m^2 r^2: for the tiles used here a quarter of them. Its summands are 7 times as large as those of the direct sum (root
mean square), and so is its rounding error at the same order of summation. What it costs is memory traffic, so it pays
where there are many channels.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

TILE = {3: 4, 4: 3}  # kernel -> m: both read 6 x 6 pixels
# Where polynomials are evaluated, besides infinity: small and balanced.
POINTS = (0.0, 1.0, -1.0, 2.0, -0.5)


def winograd_conv2d(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """What F.conv2d(images, weight) gives, for kernels of 3 x 3 or 4 x 4; differentiable twice.

    Args:
        images: (N, C, H, W); weight: (O, C, r, r). Returns (N, O, H - r + 1, W - r + 1).
    """
    (count, channels, height, width), (out_channels, _, r, _) = images.shape, weight.shape
    m = TILE[r]
    side = m + r - 1
    rows, columns = -(-(height - r + 1) // m), -(-(width - r + 1) // m)
    spare = m * columns + r - 1 - width, m * rows + r - 1 - height
    if any(spare):
        images = F.pad(images, (0, spare[0], 0, spare[1]))
    on_outputs, on_weights, on_inputs = _transforms(m, r, images.dtype)
    inputs = _both_ways(on_inputs, _Tiles.apply(images, side, m))
    inputs = inputs.view(side * side, channels, -1)
    kernels = _both_ways(on_weights, weight.permute(2, 3, 0, 1).reshape(r, -1))
    products = torch.bmm(kernels.view(side * side, out_channels, channels), inputs)
    outputs = _both_ways(on_outputs, products.view(side, -1))
    outputs = outputs.view(m, m, out_channels, count, rows, columns).permute(3, 2, 4, 0, 5, 1)
    outputs = outputs.reshape(count, out_channels, m * rows, m * columns)
    return outputs[..., : height - r + 1, : width - r + 1]


def tiles_of(count: int, height: int, width: int, r: int) -> int:
    """How many tiles a convolution of so many images falls into."""
    m = TILE[r]
    return count * -(-(height - r + 1) // m) * -(-(width - r + 1) // m)


def _both_ways(matrix: torch.Tensor, tiles: torch.Tensor) -> torch.Tensor:
    """Transforms tiles (k, k * L) along their rows and their columns, into (rows, rows, L)."""
    rows, k = matrix.shape
    return matrix @ (matrix @ tiles).view(rows, k, -1)


@cache
def _transforms(m: int, r: int, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Matrices A^T, G and B^T of y = A^T [(G w) * (B^T d)], from evaluating polynomials at the points."""
    points = POINTS[: m + r - 2]
    scale = np.array([np.prod([a - b for b in points if b != a]) for a in points] + [1.0])
    A, G = _evaluation(points, m), _evaluation(points, r) / scale[:, None]
    B_T = np.linalg.inv(_evaluation(points, m + r - 1)).T * scale[:, None]
    with torch.inference_mode(False):  # so that training may use what testing has made
        return tuple(torch.from_numpy(one).to(dtype).contiguous() for one in (A.T, G, B_T))


def _evaluation(points: tuple[float, ...], length: int) -> np.ndarray:
    """Coefficients -> values at the points, and at infinity, which is the last coefficient."""
    finite = np.vander(np.array(points), length, increasing=True)
    return np.vstack([finite, np.eye(length)[-1:]])


class _Tiles(torch.autograd.Function):
    """(N, C, H, W) -> (side, side * C * N * tiles): overlapping tiles, `step` apart."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, side: int, step: int) -> torch.Tensor:
        ctx.geometry = images.shape, side, step
        tiles = images.unfold(2, side, step).unfold(3, side, step)
        return tiles.permute(4, 5, 1, 0, 2, 3).reshape(side, -1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _Overlapped.apply(gradient, *ctx.geometry), None, None


class _Overlapped(torch.autograd.Function):
    """The adjoint of _Tiles: pixels are sums over the tiles that share them."""

    @staticmethod
    def forward(
        ctx: Any, tiles: torch.Tensor, shape: torch.Size, side: int, step: int
    ) -> torch.Tensor:
        ctx.geometry = side, step
        count, channels, height, width = shape
        tiles = tiles.view(side * side, channels, count, -1).permute(2, 1, 0, 3)
        return F.fold(tiles.flatten(1, 2), (height, width), side, stride=step)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return _Tiles.apply(gradient, *ctx.geometry), None, None, None
