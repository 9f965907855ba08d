"""Layers with PyTorch's names and results that keep images in channels_last order on a GPU, and any order right on a CPU.

PyTorch's own put images into its other order, and the convolutions behind them put them back: a third of a CycleGAN
step on an H100, see docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

LEAST_PIXELS = 64 * 64  # of an image in a batch, for which a norm image by image pays


class InstanceNorm2d(nn.InstanceNorm2d):
    """nn.InstanceNorm2d; on a GPU as a batch norm of every image, which PyTorch has for channels_last."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if input.device.type == "cpu":
            return ordered_norm(super().forward, input)
        if not (input.is_cuda and is_channels_last(input) and self._pays(input)):
            return super().forward(input)
        return image_norm(input, self.weight, self.bias, self.eps)

    def _pays(self, input: torch.Tensor) -> bool:
        return len(input) == 1 or input.shape[-2] * input.shape[-1] >= LEAST_PIXELS


def ordered_norm(norm: Callable[[torch.Tensor], torch.Tensor], input: torch.Tensor) -> torch.Tensor:
    """norm(input) on a CPU, where input (N, C, H, W) and the gradient of the output may lie in memory in any order.

    For a single image, and for one row or column of pixels, PyTorch (at least up to 2.15) mistakes one order for the
    other in the backward pass of its norms and silently returns a wrong gradient.
    """
    output = norm(input.contiguous())
    # Compiled norms are not PyTorch's.
    if output.requires_grad and not torch.compiler.is_compiling():
        output.register_hook(torch.Tensor.contiguous)
    return output


def image_norm(
    images: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> torch.Tensor:
    """(N, C, H, W), each channel of each image with mean 0 and variance 1, times weight, plus bias."""
    normal = [
        F.batch_norm(image, None, None, weight, bias, True, 0.0, eps) for image in images.split(1)
    ]
    return normal[0] if len(normal) == 1 else torch.cat(normal)


class ReflectionPad2d(nn.ReflectionPad2d):
    """nn.ReflectionPad2d; on a GPU by copies, whose gradient, unlike PyTorch's, is the same every time."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        padding = self.padding[0]
        fits = input.dim() == 4 and min(input.shape[-2:]) > padding
        if not (input.is_cuda and fits and set(self.padding) == {padding}):
            return super().forward(input)
        return Reflected.apply(input, padding)


class Reflected(torch.autograd.Function):
    """Images (N, C, H, W) mirrored at all edges, with `padding` more pixels at each, in the same order of memory."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, padding: int) -> torch.Tensor:
        ctx.padding = p = padding
        n, channels, height, width = images.shape
        order = torch.channels_last if is_channels_last(images) else torch.contiguous_format
        shape = (n, channels, height + 2 * p, width + 2 * p)
        output = torch.empty(shape, dtype=images.dtype, device=images.device, memory_format=order)
        rows = output[:, :, p : p + height]
        rows[..., p : p + width] = images
        for i in range(p):  # the corners follow with the whole rows
            rows[..., i] = images[..., p - i]
            rows[..., p + width + i] = images[..., width - 2 - i]
        for i in range(p):
            output[:, :, i] = output[:, :, 2 * p - i]
            output[:, :, p + height + i] = output[:, :, p + height - 2 - i]
        return output

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        p = ctx.padding
        height, width = (side - 2 * p for side in gradient.shape[-2:])
        rows = gradient[:, :, p : p + height].clone()
        for i in range(p):
            rows[:, :, p - i] += gradient[:, :, i]
            rows[:, :, height - 2 - i] += gradient[:, :, p + height + i]
        inside = rows[..., p : p + width].clone()
        for i in range(p):
            inside[..., p - i] += rows[..., i]
            inside[..., width - 2 - i] += rows[..., p + width + i]
        return inside, None


def is_channels_last(images: torch.Tensor) -> bool:
    return images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
