"""Norm, activation, residual sum and mirrored border as one differentiable operation, by Triton kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable


class Group(NamedTuple):
    """What a fused operation does; see `Fused`.

    Attributes:
        kernels: module of Triton kernels.
        norm: "image" or "batch", whose statistics it takes; None for no norm.
        running: mean and variance that follow a batch's by `momentum`.
        slope: of an activation below 0, 0 for ReLU; None for no activation.
        padding: pixels of mirrored border.
        keeps: whether the result is also given without its border.
        out: where the result goes; None for new memory. Its channels may be part of an image's.
        rectified: where relu of the norm's result goes as well.
        channels: of the result, those beyond the input's being 0; None for as many.
        dtype: of the result; None for the input's.
    """

    kernels: Any
    norm: str | None = None
    eps: float = 0.0
    momentum: float = 0.0
    running: tuple[torch.Tensor, torch.Tensor] | None = None
    slope: float | None = None
    padding: int = 0
    keeps: bool = False
    out: torch.Tensor | None = None
    rectified: torch.Tensor | None = None
    channels: int | None = None
    dtype: torch.dtype | None = None


class Tiling(NamedTuple):
    """How work is divided among programs; as measured on an H100.

    Attributes:
        wide: channels of a tile.
        high: pixels of a tile, with `warps` each.
        sum_programs, programs: how many share the sums, and all else, of a tensor.
        large: numbers in a tensor beyond which twice as many programs share what is not sums; eight times without a norm.
        most_parts: that the sums of a group are left in, each of which every program reads.
        whole: most pixels of a group that one program adds up itself, in place of a kernel of its own.
    """

    wide: int = 32
    sum_high: int = 128
    sum_warps: int = 8
    sum_programs: int = 256
    high: int = 64
    warps: int = 4
    programs: int = 528
    large: int = 2**23
    most_parts: int = 64
    whole: int = 256


TILING = Tiling()


class Plan(NamedTuple):
    """Of a norm: channels of a tile, tiles over the channels, parts of the sums (0 for none), programs for all else."""

    wide: int
    blocks: int
    groups: int
    parts: int
    programs: int

    @property
    def parts_at_once(self) -> int:
        """Of few sizes, each being compiled."""
        return 0 if self.parts == 0 else 8 if self.parts <= 8 else _power(self.parts)

    def chunk(self, pixels: int) -> tuple[int, int]:
        """Parts of a group of that many pixels that share the work which is not sums, and pixels of each."""
        if self.parts == 0:
            return 1, pixels
        parts = max(1, min(-(-pixels // TILING.high), self.programs // self.blocks // self.groups))
        return parts, -(-pixels // parts)


def plan(pixels: int, channels: int, groups: int, norm: bool) -> Plan:
    """For groups of that many pixels."""
    wide = min(TILING.wide, _power(channels))
    large = pixels * channels * groups > TILING.large
    programs = TILING.programs * (8 if not norm else 2 if large else 1)
    if norm and pixels <= TILING.whole:
        wide = min(wide, 16)
        return Plan(wide, -(-channels // wide), groups, 0, programs)
    blocks = -(-channels // wide)
    share = TILING.sum_programs // (blocks * groups)
    parts = max(1, min(TILING.most_parts, -(-pixels // TILING.sum_high), share))
    return Plan(wide, blocks, groups, parts, programs)


def _power(number: int) -> int:
    """The least power of two that is not smaller."""
    return 1 << (number - 1).bit_length()


class Fused(torch.autograd.Function):
    """pad(activation(norm(y) * weight + bias) + residual) of channels_last images; sums are float32, or float64.

    Gives also that without the border, if `keeps`, and relu(norm(y)), if there is a place for it; None for what is not
    wanted. Gradients are the same every time, and cannot be differentiated again.
    """

    @staticmethod
    def forward(
        ctx: Any,
        y: torch.Tensor,
        residual: torch.Tensor | None,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        group: Group,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        y = y.contiguous(memory_format=torch.channels_last)
        n, channels, height, width = y.shape
        images, p = (1 if group.norm == "image" else n), group.padding
        groups = n // images
        pixels = images * height * width
        how = plan(pixels, channels, groups, group.norm is not None)
        sums_type = torch.promote_types(y.dtype, torch.float32)
        out, result_type = group.out, group.dtype or y.dtype
        if out is None:
            shape = (n, group.channels or channels, height + 2 * p, width + 2 * p)
            order = torch.channels_last
            out = torch.empty(shape, dtype=result_type, device=y.device, memory_format=order)
        sums = moments = None
        if group.norm:
            moments = y.new_empty((groups, 2, channels), dtype=sums_type)
        common = {
            "C": how.wide,
            "ACC": group.kernels.sums_type(sums_type),
            "INDEX": _index_type(y, out),
        }
        parts, chunk = how.chunk(images * out.shape[2] * out.shape[3])
        with torch.cuda.device_of(y):
            if group.norm and how.parts:
                sums = y.new_empty((groups, 2, how.parts, channels), dtype=sums_type)
                group.kernels.channel_sums[(how.blocks, how.parts, groups)](
                    y, sums, pixels, channels, -(-pixels // how.parts),
                    P=TILING.sum_high, num_warps=TILING.sum_warps, **common,
                )  # fmt: skip
            strides = residual.stride() if residual is not None else (0, 0, 0, 0)
            blocks = -(-out.shape[1] // how.wide) if group.out is None else how.blocks
            group.kernels.normalize[(blocks, parts, groups)](
                y, sums, residual, weight, bias, out, group.rectified, moments,
                *(group.running or (None, None)),
                images, height, width, channels, out.shape[1], _distance(out),
                _distance(group.rectified) if group.rectified is not None else 0,
                strides[0], strides[2], strides[3],
                how.parts, chunk,
                group.eps, group.momentum, group.slope or 0.0,
                NORM=group.norm is not None, ACTIVATION=group.slope is not None,
                PAD=p, PARTS=how.parts_at_once, P=TILING.high, num_warps=TILING.warps, **common,
            )  # fmt: skip
        ctx.save_for_backward(y, moments, weight, bias)
        ctx.group = group._replace(out=None, rectified=None, running=None)
        ctx.plan, ctx.common, ctx.images = how, common, images
        ctx.residual_type = residual.dtype if residual is not None else None
        ctx.set_materialize_grads(False)
        kept = _inside(out, p) if group.keeps else None
        rectified = None if group.rectified is None else same_memory(group.rectified)
        return (same_memory(out) if group.out is not None else out), kept, rectified

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,
        gradient: torch.Tensor | None,
        kept: torch.Tensor | None,
        rectified: torch.Tensor | None,
    ) -> tuple[torch.Tensor | None, ...]:
        y, moments, weight, bias = ctx.saved_tensors
        group, how, images = ctx.group, ctx.plan, ctx.images
        n, channels, height, width = y.shape
        p, groups = group.padding, n // images
        if gradient is None:
            shape = (n, channels, height + 2 * p, width + 2 * p)
            gradient = y.new_zeros(shape).contiguous(memory_format=torch.channels_last)
        gradient, rectified = _rows(gradient), _rows(rectified)
        kept = None if kept is None else kept.contiguous(memory_format=torch.channels_last)
        strides = _distance(gradient), 0 if rectified is None else _distance(rectified)
        y_gradient = torch.empty_like(y)
        residual_gradient = sums = parameter_gradients = None
        if ctx.residual_type is not None:
            residual_gradient = torch.empty_like(y, dtype=ctx.residual_type)
        pixels = images * height * width
        parts, chunk = how.chunk(pixels)
        common = {
            "ACTIVATION": group.slope is not None,
            "PAD": p,
            "SMALL": min(height, width) <= 2 * p + 1,
            **ctx.common,
            "INDEX": _index_type(y, gradient),
        }
        with torch.cuda.device_of(y):
            if group.norm and weight is not None:
                parameter_gradients = torch.empty_like(moments)
            if group.norm and how.parts:
                sums = moments.new_empty((groups, 2, how.parts, channels))
                group.kernels.gradient_sums[(how.blocks, how.parts, groups)](
                    y, gradient, kept, rectified, moments, weight, bias, sums,
                    images, height, width, channels, *strides, -(-pixels // how.parts),
                    group.slope or 0.0, P=TILING.sum_high, num_warps=TILING.sum_warps, **common,
                )  # fmt: skip
            group.kernels.normalize_backward[(how.blocks, parts, groups)](
                y, gradient, kept, rectified, moments, weight, bias, sums,
                y_gradient, residual_gradient, parameter_gradients,
                images, height, width, channels, *strides,
                how.parts, chunk, group.slope or 0.0, NORM=group.norm is not None,
                PARTS=how.parts_at_once, P=TILING.high, num_warps=TILING.warps, **common,
            )  # fmt: skip
        by_bias = by_weight = None
        if parameter_gradients is not None:
            total = parameter_gradients[0] if groups == 1 else parameter_gradients.sum(0)
            by_bias, by_weight = total.to(weight.dtype)
        return y_gradient, residual_gradient, by_weight, by_bias, None


def _index_type(*images: torch.Tensor) -> Any:
    """Of places in memory relative to a group's first pixel."""
    import triton.language as tl

    far = max(sum((n - 1) * s for n, s in zip(x.shape, x.stride(), strict=True)) for x in images)
    return tl.int32 if far < 2**31 - 2**20 else tl.int64


def _rows(images: Any) -> Any:
    """Images whose pixels follow each other at equal distances, channels being next to each other."""
    if images is None or (images.stride(1) == 1 and _equidistant(images)):
        return images
    return images.clone(memory_format=torch.channels_last)


def _distance(images: torch.Tensor) -> int:
    """Between a pixel and the next, in numbers; of equidistant images."""
    n, _, height, width = images.shape
    axis = 3 if width > 1 else 2 if height > 1 else 0
    return images.stride(axis) if n * height * width > 1 else images.shape[1]


def _equidistant(images: torch.Tensor) -> bool:
    height, width = images.shape[2:]
    pixel = _distance(images)
    wanted = {0: height * width * pixel, 2: width * pixel, 3: pixel}
    return all(
        images.shape[axis] == 1 or images.stride(axis) == step for axis, step in wanted.items()
    )


def _inside(images: torch.Tensor, border: int) -> torch.Tensor:
    """Images without their border, in the same memory; to autograd no view."""
    return same_memory(
        images[..., border : images.shape[2] - border, border : images.shape[3] - border]
    )


def same_memory(view: torch.Tensor) -> torch.Tensor:
    """The view as a tensor of its own, which autograd allows two operations to fill parts of."""
    return view.new_empty(0).set_(
        view.untyped_storage(), view.storage_offset(), view.shape, view.stride()
    )
