"""Large convolutions of images of few channels, as those of columns whose pixels hold a row's: what tensor cores like.

A 7 x 7 convolution of 3 channels is one of 7 x 1 of 7 * 3 channels, the pixels of a row being next to each other; one
that gives 3 channels is one of 7 x 1 that gives 7 * 3, which are summed along the rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

CHANNELS = 32  # of the pixels that hold rows; those at the end are 0
PIXELS = 128  # of a program


def can_unfold(layer: Any, channels: int) -> bool:
    """Whether a convolution is of the kind, `channels` being those of its images, or of its results."""
    height, width = layer.kernel_size
    plain = layer.stride == (1, 1) == layer.dilation and layer.padding == (0, 0)
    return plain and layer.groups == 1 and height == width >= 5 and width * channels <= CHANNELS


def convolve_images(
    layer: nn.Conv2d, images: torch.Tensor, padding: int, dtype: torch.dtype, kernels: Any
) -> torch.Tensor:
    """layer(mirrored images), without bias, of images (N, C, H, W) with so many pixels of border."""
    rows = UnfoldRows.apply(images, layer.kernel_size[1], padding, dtype, kernels)
    weight = layer.weight.permute(0, 2, 3, 1).flatten(2)  # (out, 7, 7 * in)
    weight = F.pad(weight, (0, CHANNELS - weight.shape[2]))
    return F.conv2d(rows, weight[:, :, None].permute(0, 3, 1, 2))


def convolve_to_images(
    layer: nn.Conv2d, x: torch.Tensor, bias: torch.Tensor | None, kernels: Any
) -> torch.Tensor:
    """layer(x), with that bias."""
    weight = layer.weight.permute(3, 0, 2, 1).flatten(0, 1)  # (7 * out, 7, in)
    weight = F.pad(weight, (0, 0, 0, 0, 0, CHANNELS - weight.shape[0]))
    rows = F.conv2d(x, weight[:, :, None].permute(0, 3, 1, 2))
    return FoldRows.apply(rows, bias, layer.kernel_size[1], layer.out_channels, kernels)


class UnfoldRows(torch.autograd.Function):
    """Images (N, C, H, W), mirrored, with the pixels of a row next to each other: (N, CHANNELS, H + border, W)."""

    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, size: int, padding: int, dtype: torch.dtype, kernels: Any
    ) -> torch.Tensor:
        ctx.how = size, padding, images.shape[1], images.shape[2:], images.dtype, kernels
        return _unfold(images, size, padding, False, dtype, kernels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        size, padding, channels, shape, dtype, kernels = ctx.how
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, None
        images = _fold(gradient, None, shape, size, padding, False, channels, dtype, kernels)
        return images, None, None, None, None


class FoldRows(torch.autograd.Function):
    """Sums of (N, CHANNELS, H, W + size - 1) along rows, plus bias: (N, channels, H, W)."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: torch.Tensor,
        bias: torch.Tensor | None,
        size: int,
        channels: int,
        kernels: Any,
    ) -> torch.Tensor:
        ctx.how = size, rows.dtype, kernels
        ctx.bias_type = None if bias is None else bias.dtype
        shape = rows.shape[2], rows.shape[3] - size + 1
        return _fold(rows, bias, shape, size, 0, True, channels, rows.dtype, kernels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        size, dtype, kernels = ctx.how
        by_bias = None
        if ctx.bias_type is not None:
            by_bias = gradient.sum((0, 2, 3), dtype=ctx.bias_type)
        return _unfold(gradient, size, 0, True, dtype, kernels), by_bias, None, None, None


def _unfold(
    images: torch.Tensor, size: int, padding: int, reverse: bool, dtype: torch.dtype, kernels: Any
) -> torch.Tensor:
    n, channels, height, width = images.shape
    columns = width + size - 1 if reverse else width + 2 * padding - size + 1
    shape = n, CHANNELS, height + 2 * padding, columns
    order = torch.channels_last
    out = torch.empty(shape, dtype=dtype, device=images.device, memory_format=order)
    with torch.cuda.device_of(images):
        kernels.unfold_rows[(-(-shape[2] * columns // PIXELS), n)](
            images, out, height, width, *images.stride(),
            CHANNELS=channels, SIZE=size, PAD=padding, REVERSED=reverse, P=PIXELS, C=CHANNELS,
        )  # fmt: skip
    return out


def _fold(
    rows: torch.Tensor,
    bias: torch.Tensor | None,
    shape: Any,
    size: int,
    padding: int,
    reverse: bool,
    channels: int,
    dtype: torch.dtype,
    kernels: Any,
) -> torch.Tensor:
    rows = rows.contiguous(memory_format=torch.channels_last)
    sums_type = torch.promote_types(dtype, torch.float32)
    out = torch.empty(
        (len(rows), channels, *shape),
        dtype=dtype,
        device=rows.device,
        memory_format=torch.channels_last,
    )
    with torch.cuda.device_of(rows):
        kernels.fold_rows[(-(-shape[0] * shape[1] // PIXELS), len(rows))](
            rows, bias, out, *shape,
            CHANNELS=channels, SIZE=size, PAD=padding, REVERSED=reverse, P=PIXELS, C=CHANNELS,
            WIDE=1 << (channels - 1).bit_length(), ACC=kernels.sums_type(sums_type),
        )  # fmt: skip
    return out
