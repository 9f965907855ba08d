"""Layers of a network run in groups on an NVIDIA GPU: norm, activation, residual sum and mirrored border at once.

The modules stay as they are, and with them what is saved, exported and tiled; only `run` reads several as one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

import torch
import torch.distributed as dist
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from models.networks.channels_last import InstanceNorm2d, ReflectionPad2d
from models.networks.cpu_convolutions import Conv2d, ConvTranspose2d
from models.networks.fused.operation import Fused, Group, same_memory
from models.networks.fused.row_convolutions import (
    can_unfold,
    convolve_images,
    convolve_to_images,
)
from models.networks.norms import BatchNorm2d

CONVOLUTIONS = (nn.Conv2d, Conv2d, nn.ConvTranspose2d, ConvTranspose2d)
# Channels that tensor cores take at once.
ALIGNED = 8


@dataclass(frozen=True)
class Fusion:
    """How a network runs on an NVIDIA GPU.

    norms: norm, activation, residual sum and border as one operation.
    channels: convolutions of images with few channels take 8, of which the added ones are 0.
    """

    norms: bool = True
    channels: bool = True


class Mark:
    """A place between layers: KEEP starts a residual branch, ADD ends it."""


KEEP, ADD = Mark(), Mark()
Layer = Any  # a module, whose attributes its kind decides, a Mark, or None after the last
Layers = Sequence[Layer]


@lru_cache
def kernels() -> Any:
    """The module of Triton kernels, or None, with a warning, where they do not work."""
    try:
        from models.networks.fused import triton_kernels

        if torch.cuda.is_available():
            numbers = torch.arange(72.0, device="cuda").sin().reshape(1, 8, 3, 3)
            images = numbers.contiguous(memory_format=torch.channels_last)
            group = Group(triton_kernels, "image", 1e-5, padding=1)
            found = Fused.apply(images, None, None, None, group)[0]
            wanted = F.pad(F.instance_norm(numbers), (1, 1, 1, 1), mode="reflect")
            torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)
    except Exception as error:  # no Triton, no compiler, a GPU that it does not know
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        logging.getLogger(__name__).warning(
            "norms are not fused, which is slower: Triton does not work here (%s)", reason
        )
        return None
    return triton_kernels


def fuse_layers(model: nn.Module, fusion: Fusion | None) -> bool:
    """Sets how a model's networks run, those that can be fused; whether they will be."""
    networks: list[Any] = [module for module in model.modules() if hasattr(module, "fusion")]
    for network in networks:
        network.fusion = fusion
    return bool(networks) and fusion is not None and kernels() is not None


@contextmanager
def unfused(network: nn.Module) -> Iterator[None]:
    """Lets a network run layer by layer: gradients of fused layers cannot be differentiated again."""
    parts: list[Any] = [module for module in network.modules() if hasattr(module, "fusion")]
    before = [part.fusion for part in parts]
    fuse_layers(network, None)
    try:
        yield
    finally:
        for part, fusion in zip(parts, before, strict=True):
            part.fusion = fusion


def can_run(fusion: Fusion | None, images: torch.Tensor) -> TypeGuard[Fusion]:
    """Whether `run` may be used: on a GPU, and outside of what follows modules one by one."""
    return (
        fusion is not None
        and images.is_cuda
        and images.dim() == 4
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and kernels() is not None
    )


def run(layers: Iterable[Layer], x: torch.Tensor, fusion: Fusion) -> torch.Tensor:
    """The layers' result, with groups of layers computed at once where that is the same."""
    layers, kept = list(_opened(layers)), x
    norms, i = [], 0
    while i < len(layers):
        layer = layers[i]
        if layer is KEEP:
            kept, i = x, i + 1
        elif layer is ADD:
            x, i = kept + x, i + 1
        elif _takes_images(layers[i : i + 2], x, fusion):
            norm = layers[i + 2] if i + 2 < len(layers) else None
            x, i = _convolve_images(layer, layers[i + 1], x, fusion, norm), i + 2
        elif fusion.norms and is_plain(layer, ReflectionPad2d) and _mirrors(layer, x):
            following = layers[i + 1] if i + 1 < len(layers) else None
            x, i = border(x, layer.padding[0], following, fusion), i + 1
        elif is_plain(layer, *CONVOLUTIONS):
            norm = layers[i + 1] if i + 1 < len(layers) else None
            x = convolve(layer, x, fusion, biased=not (fusion.norms and removes_bias(norm)))
            i += 1
        elif fusion.norms and normalizes(layer) and _enough(layer, x):
            norms.append(layer)
            x, kept, i = _grouped(layers, i, x, kept)
        else:
            x, i = layer(x), i + 1
    count_batches(norms)
    return x


def _opened(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers, with those of residual blocks, x + conv_block(x), in place of the blocks."""
    for layer in layers:
        if hasattr(layer, "conv_block"):
            yield from (KEEP, *layer.conv_block, ADD)
        else:
            yield layer


def _takes_images(layers: Layers, x: torch.Tensor, fusion: Fusion) -> bool:
    """Whether the layers are a border and a large convolution of few channels."""
    return (
        fusion.channels
        and len(layers) == 2
        and is_plain(layers[0], ReflectionPad2d)
        and _mirrors(layers[0], x)
        and is_plain(layers[1], nn.Conv2d, Conv2d)
        and can_unfold(layers[1], layers[1].in_channels)
        and _computing_type(x) != torch.float32
    )


def _convolve_images(
    pad: Layer, conv: Layer, x: torch.Tensor, fusion: Fusion, norm: object
) -> torch.Tensor:
    y = convolve_images(conv, x, pad.padding[0], _computing_type(x), kernels())
    if conv.bias is None or (fusion.norms and removes_bias(norm)):
        return y
    return y + conv.bias.to(y.dtype)[:, None, None]


def _computing_type(x: torch.Tensor) -> torch.dtype:
    """Type that a convolution of x computes in."""
    autocast = torch.is_autocast_enabled(x.device.type)
    return torch.get_autocast_dtype(x.device.type) if autocast else x.dtype


def _grouped(
    layers: Layers, i: int, x: torch.Tensor, kept: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, int]:
    """The norm at i and what may follow it at once: its result, what a residual branch keeps, the next i."""
    group, residual, keeps = norm_group(layers[i]), None, False
    weight, bias = affine(layers[i])
    coming = iter([*layers[i + 1 :], None])
    layer, i = next(coming), i + 1
    if (slope := slope_of(layer)) is not None:
        group, layer, i = group._replace(slope=slope), next(coming), i + 1
    if layer is ADD and kept.stride(1) == 1 and kept.shape == x.shape:
        residual, layer, i = kept, next(coming), i + 1
    if layer is KEEP:
        keeps, layer, i = True, next(coming), i + 1
    if is_plain(layer, ReflectionPad2d) and _mirrors(layer, x):
        group, i = group._replace(padding=layer.padding[0]), i + 1
    x, inside, _ = Fused.apply(x, residual, weight, bias, group._replace(keeps=keeps))
    return x, (inside if keeps else kept), i


class Join(torch.autograd.Function):
    """Images whose channels two operations have written into the same memory."""

    @staticmethod
    def forward(
        ctx: Any, first: torch.Tensor, second: torch.Tensor, both: torch.Tensor
    ) -> torch.Tensor:
        ctx.channels = first.shape[1]
        return same_memory(both)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        return gradient[:, : ctx.channels], gradient[:, ctx.channels :], None


def count_batches(norms: Iterable[Layer]) -> None:
    """Counts a batch for norms in training mode that `norm_group` was asked about, by one kernel."""
    counts = [norm.num_batches_tracked for norm in norms if hasattr(norm, "num_batches_tracked")]
    if counts := [count for count in counts if count is not None]:
        torch._foreach_add_(counts, 1)


def norm_group(norm: Layer) -> Group:
    """What a norm layer in training mode does, but for counting the batch; see `count_batches`."""
    if norm is None:
        return Group(kernels())
    if isinstance(norm, InstanceNorm2d):
        return Group(kernels(), "image", norm.eps)
    running = (norm.running_mean, norm.running_var) if norm.track_running_stats else None
    return Group(kernels(), "batch", norm.eps, norm.momentum, running)


def border(images: torch.Tensor, padding: int, following: Layer, fusion: Fusion) -> torch.Tensor:
    """Images, mirrored at their sides; before a convolution in its type, with zero channels that it would like to have."""
    convolved = is_plain(following, *CONVOLUTIONS)
    dtype = _computing_type(images) if convolved else images.dtype
    few = fusion.channels and convolved and images.shape[1] < ALIGNED
    channels = ALIGNED if few and dtype != torch.float32 else None
    group = Group(kernels(), padding=padding, channels=channels, dtype=dtype)
    return Fused.apply(images, None, None, None, group)[0]


def convolve(layer: Layer, x: torch.Tensor, fusion: Fusion, biased: bool = True) -> torch.Tensor:
    """A convolution's result, with `biased` or without its bias, by more channels where that is faster."""
    weight, bias = layer.weight, layer.bias if biased else None
    if type(layer) in (nn.ConvTranspose2d, ConvTranspose2d):
        if biased:
            return layer(x)
        how = layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation
        return F.conv_transpose2d(x, weight, None, *how)
    half = _computing_type(x) != torch.float32
    if fusion.channels and half and can_unfold(layer, layer.out_channels):
        return convolve_to_images(layer, x, bias, kernels())
    few_out = fusion.channels and half and layer.out_channels < ALIGNED
    if few_out:
        added = ALIGNED - layer.out_channels
        weight = F.pad(weight, (0, 0, 0, 0, 0, 0, 0, added))
        bias = None if bias is None else F.pad(bias, (0, added))
    if fusion.channels and half and x.shape[1] < ALIGNED:
        x = border(x, 0, layer, fusion)
    if x.shape[1] > layer.in_channels:
        weight = F.pad(weight, (0, 0, 0, 0, 0, x.shape[1] - layer.in_channels))
    y = F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    return y[:, : layer.out_channels] if few_out else y


def is_plain(layer: Layer, *kinds: type) -> bool:
    """Whether it is exactly such a layer, which nobody watches by hooks."""
    return type(layer) in kinds and not (
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def normalizes(layer: Layer) -> bool:
    """Whether the layer takes its statistics from the images of a tensor."""
    if is_plain(layer, InstanceNorm2d):
        return not layer.track_running_stats
    return (
        is_plain(layer, nn.BatchNorm2d, BatchNorm2d)
        and layer.training
        and layer.momentum is not None
        and layer.affine
    )


def _enough(layer: Layer, x: torch.Tensor) -> bool:
    """Whether there is more than one pixel to take statistics of; and channels enough for an order in memory."""
    images = 1 if isinstance(layer, InstanceNorm2d) else len(x)
    return x.shape[1] > 1 and images * x.shape[2] * x.shape[3] > 1


def affine(norm: Layer) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    return (None, None) if norm is None else (norm.weight, norm.bias)


def removes_bias(layer: Layer) -> bool:
    """Whether a convolution's bias before this layer makes no difference. Processes expect all gradients, even of 0."""
    alone = not (dist.is_available() and dist.is_initialized())
    return alone and is_plain(layer, InstanceNorm2d) and not layer.track_running_stats


def slope_of(layer: Layer) -> float | None:
    """An activation's slope below 0; None for other layers."""
    if is_plain(layer, nn.ReLU):
        return 0.0
    return layer.negative_slope if is_plain(layer, nn.LeakyReLU) else None


def _mirrors(layer: Layer, x: torch.Tensor) -> bool:
    padding = layer.padding
    return len(set(padding)) == 1 and 0 < padding[0] < min(x.shape[2:])
