"""Triton kernels of the fused layers: norm, activation, residual sum and mirrored border of channels_last images.

Images are rows of pixels, (groups, pixels, channels) in memory; a group is what a norm takes its statistics of: an
image for an instance norm, a batch for a batch norm. A program computes a tile of P pixels by C channels at a time, in
ACC (float32; float64 for tests), and sums in a fixed order: results are the same every time.
"""

from __future__ import annotations

import triton
import triton.language as tl

# Numbers whose divisibility would only make more variants to compile.
SIZES = ("images", "height", "width", "pixels", "parts", "chunk")


@triton.jit
def mirror(i, size):
    """Row or column that a padded one, which may lie outside by less than `size`, is a copy of."""
    i = tl.abs(i)
    return size - 1 - tl.abs(size - 1 - i)


@triton.jit
def sum_parts(sums, parts, channels, c, inside, PARTS: tl.constexpr):
    """Both sums of a group, from those of its parts."""
    part = tl.arange(0, PARTS)
    place = part[:, None] * channels + c[None, :]
    here = (part < parts)[:, None] & inside[None, :]
    first = tl.sum(tl.load(sums + place, mask=here, other=0), 0)
    second = tl.sum(tl.load(sums + parts * channels + place, mask=here, other=0), 0)
    return first, second


@triton.jit(do_not_specialize=SIZES)
def channel_sums(
    y,
    sums,
    pixels,
    channels,
    chunk,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
):
    """Sums of y and of its square over parts of a group: sums (groups, 2, parts, channels).

    Both are relative to the group's first pixel, without which squares of images far from 0 would lose digits.
    """
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    y += group.to(tl.int64) * pixels * channels
    first = tl.load(y + c, mask=inside, other=0).to(ACC)
    total = tl.zeros((P, C), ACC)
    squares = tl.zeros((P, C), ACC)
    end = tl.minimum((part + 1) * chunk, pixels)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        place = q.to(tl.int64)[:, None] * channels + c[None, :]
        value = tl.load(y + place, mask=here, other=0).to(ACC) - first[None, :]
        value = tl.where(here, value, 0.0)
        total += value
        squares += value * value
    parts = tl.num_programs(1)
    sums += (group * 2 * parts + part) * channels + c
    tl.store(sums, tl.sum(total, 0), mask=inside)
    tl.store(sums + parts * channels, tl.sum(squares, 0), mask=inside)


@triton.jit(do_not_specialize=SIZES)
def normalize(
    y,
    sums,
    residual,
    weight,
    bias,
    out,
    rectified,
    moments,
    running_mean,
    running_var,
    images,
    height,
    width,
    channels,
    out_channels,
    out_stride,
    rectified_stride,
    residual_n,
    residual_h,
    residual_w,
    parts,
    chunk,
    eps,
    momentum,
    slope,
    NORM: tl.constexpr,
    ACTIVATION: tl.constexpr,
    PAD: tl.constexpr,
    PARTS: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
):
    """out = pad(activation(norm(y)) + residual), and rectified = relu(norm(y)), which is not padded.

    Also moments (groups, 2, channels): mean and 1 / deviation; and the running statistics.
    """
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    pixels = images * height * width
    y += group.to(tl.int64) * pixels * channels
    if NORM:
        first, second = sum_parts(
            sums + group * 2 * parts * channels, parts, channels, c, inside, PARTS
        )
        first /= pixels
        variance = tl.maximum(second / pixels - first * first, 0.0)
        mean = first + tl.load(y + c, mask=inside, other=0).to(ACC)
        scale = 1.0 / tl.sqrt(variance + eps)
        if part == 0:
            tl.store(moments + group * 2 * channels + c, mean, mask=inside)
            tl.store(moments + (group * 2 + 1) * channels + c, scale, mask=inside)
            if running_mean is not None:
                old = tl.load(running_mean + c, mask=inside, other=0).to(ACC)
                tl.store(running_mean + c, old + momentum * (mean - old), mask=inside)
                old = tl.load(running_var + c, mask=inside, other=0).to(ACC)
                unbiased = variance * (pixels / (pixels - 1))
                tl.store(running_var + c, old + momentum * (unbiased - old), mask=inside)
        if weight is not None:
            w = tl.load(weight + c, mask=inside, other=0).to(ACC)
            b = tl.load(bias + c, mask=inside, other=0).to(ACC)
    rows, columns = height + 2 * PAD, width + 2 * PAD
    out += group.to(tl.int64) * images * rows * columns * out_stride
    end = tl.minimum((part + 1) * chunk, images * rows * columns)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        image = q // (rows * columns)
        i = mirror(q // columns % rows - PAD, height)
        j = mirror(q % columns - PAD, width)
        here = (q < end)[:, None] & inside[None, :]
        pixel = ((image * height + i) * width + j).to(tl.int64)[:, None]
        z = tl.load(y + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
        if NORM:
            z = (z - mean[None, :]) * scale[None, :]
            if weight is not None:
                z = z * w[None, :] + b[None, :]
        if rectified is not None:
            place = (
                rectified + (group.to(tl.int64) * pixels + pixel) * rectified_stride + c[None, :]
            )
            tl.store(place, tl.where(z <= 0, 0.0, z).to(rectified.dtype.element_ty), mask=here)
        if ACTIVATION:
            z = tl.where(z > 0, z, z * slope)
        if residual is not None:
            n = (group * images + image).to(tl.int64)
            place = (n * residual_n + i * residual_h + j * residual_w)[:, None] + c[None, :]
            z += tl.load(residual + place, mask=here, other=0).to(ACC)
        here = (q < end)[:, None] & (c < out_channels)[None, :]
        place = q.to(tl.int64)[:, None] * out_stride + c[None, :]
        tl.store(out + place, tl.where(inside[None, :], z, 0.0).to(out.dtype.element_ty), mask=here)


@triton.jit
def gather_border(
    gradient, q, c, here, height, width, stride, PAD: tl.constexpr, ACC: tl.constexpr
):
    """A pixel's gradient: the sum over itself and all its mirror images in the border."""
    if PAD == 0:
        place = q.to(tl.int64)[:, None] * stride + c[None, :]
        total = tl.load(gradient + place, mask=here, other=0).to(ACC)
    else:
        image, i, j = q // (height * width), q // width % height, q % width
        rows, columns = height + 2 * PAD, width + 2 * PAD
        total = tl.zeros((q.shape[0], c.shape[0]), ACC)
        for a in tl.static_range(3):
            if a == 0:
                row, has_row = PAD + i, i >= 0
            elif a == 1:
                row, has_row = PAD - i, (i >= 1) & (i <= PAD)
            else:
                row, has_row = (
                    PAD + 2 * (height - 1) - i,
                    (i >= height - 1 - PAD) & (i < height - 1),
                )
            for b in tl.static_range(3):
                if b == 0:
                    column, has_column = PAD + j, j >= 0
                elif b == 1:
                    column, has_column = PAD - j, (j >= 1) & (j <= PAD)
                else:
                    column = PAD + 2 * (width - 1) - j
                    has_column = (j >= width - 1 - PAD) & (j < width - 1)
                place = ((image * rows + row) * columns + column).to(tl.int64)
                there = here & (has_row & has_column)[:, None]
                place = place[:, None] * stride + c[None, :]
                total += tl.load(gradient + place, mask=there, other=0).to(ACC)
    return total


@triton.jit
def slope_at(
    y,
    gradient,
    kept,
    rectified,
    mean,
    scale,
    w,
    b,
    q,
    c,
    here,
    height,
    width,
    channels,
    gradient_stride,
    rectified_stride,
    slope,
    NORM: tl.constexpr,
    AFFINE: tl.constexpr,
    ACTIVATION: tl.constexpr,
    PAD: tl.constexpr,
    ACC: tl.constexpr,
):
    """Of pixels q: y, normal; gradients of the residual sum, and of the norm's result."""
    pixel = q.to(tl.int64)[:, None]
    x = tl.load(y + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
    if NORM:
        x = (x - mean[None, :]) * scale[None, :]
    z = x
    if AFFINE:
        z = x * w[None, :] + b[None, :]
    total = gather_border(gradient, q, c, here, height, width, gradient_stride, PAD, ACC)
    if kept is not None:
        total += tl.load(kept + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
    inner = total
    if ACTIVATION:
        inner = tl.where(z > 0, total, total * slope)
    if rectified is not None:
        place = rectified + pixel * rectified_stride + c[None, :]
        inner += tl.where(z > 0, tl.load(place, mask=here, other=0).to(ACC), 0.0)
    return x, total, inner


@triton.jit(do_not_specialize=SIZES)
def gradient_sums(
    y,
    gradient,
    kept,
    rectified,
    moments,
    weight,
    bias,
    sums,
    images,
    height,
    width,
    channels,
    gradient_stride,
    rectified_stride,
    chunk,
    slope,
    ACTIVATION: tl.constexpr,
    PAD: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
):
    """Over parts of a group, sums of the gradient of the norm's result, and of it times y, normal."""
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    pixels = images * height * width
    y += group.to(tl.int64) * pixels * channels
    padded = images * (height + 2 * PAD) * (width + 2 * PAD)
    gradient += group.to(tl.int64) * padded * gradient_stride
    if kept is not None:
        kept += group.to(tl.int64) * pixels * channels
    if rectified is not None:
        rectified += group.to(tl.int64) * pixels * rectified_stride
    mean = tl.load(moments + group * 2 * channels + c, mask=inside, other=0)
    scale = tl.load(moments + (group * 2 + 1) * channels + c, mask=inside, other=0)
    w, b = scale, scale
    if weight is not None:
        w = tl.load(weight + c, mask=inside, other=0).to(ACC)
        b = tl.load(bias + c, mask=inside, other=0).to(ACC)
    total = tl.zeros((P, C), ACC)
    product = tl.zeros((P, C), ACC)
    end = tl.minimum((part + 1) * chunk, pixels)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        x, _, inner = slope_at(
            y, gradient, kept, rectified, mean, scale, w, b, q, c, here, height, width, channels,
            gradient_stride, rectified_stride, slope, True, weight is not None, ACTIVATION, PAD, ACC,
        )  # fmt: skip
        total += inner
        product += inner * x
    parts = tl.num_programs(1)
    sums += (group * 2 * parts + part) * channels + c
    tl.store(sums, tl.sum(total, 0), mask=inside)
    tl.store(sums + parts * channels, tl.sum(product, 0), mask=inside)


@triton.jit(do_not_specialize=SIZES)
def normalize_backward(
    y,
    gradient,
    kept,
    rectified,
    moments,
    weight,
    bias,
    sums,
    y_gradient,
    residual_gradient,
    parameter_gradients,
    images,
    height,
    width,
    channels,
    gradient_stride,
    rectified_stride,
    parts,
    chunk,
    slope,
    NORM: tl.constexpr,
    ACTIVATION: tl.constexpr,
    PAD: tl.constexpr,
    PARTS: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
):
    """Gradients of what `normalize` is given; parameter_gradients (groups, 2, channels) of bias and weight."""
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    pixels = images * height * width
    y += group.to(tl.int64) * pixels * channels
    padded = images * (height + 2 * PAD) * (width + 2 * PAD)
    gradient += group.to(tl.int64) * padded * gradient_stride
    y_gradient += group.to(tl.int64) * pixels * channels
    if kept is not None:
        kept += group.to(tl.int64) * pixels * channels
    if rectified is not None:
        rectified += group.to(tl.int64) * pixels * rectified_stride
    if residual_gradient is not None:
        residual_gradient += group.to(tl.int64) * pixels * channels
    mean = tl.zeros((C,), ACC)
    scale, w, b = mean, mean, mean
    if NORM:
        first, second = sum_parts(
            sums + group * 2 * parts * channels, parts, channels, c, inside, PARTS
        )
        if parameter_gradients is not None:  # noqa: SIM102, known when the kernel is compiled
            if part == 0:
                tl.store(parameter_gradients + group * 2 * channels + c, first, mask=inside)
                tl.store(parameter_gradients + (group * 2 + 1) * channels + c, second, mask=inside)
        first /= pixels
        second /= pixels
        mean = tl.load(moments + group * 2 * channels + c, mask=inside, other=0)
        scale = tl.load(moments + (group * 2 + 1) * channels + c, mask=inside, other=0)
        factor = scale
        if weight is not None:
            w = tl.load(weight + c, mask=inside, other=0).to(ACC)
            b = tl.load(bias + c, mask=inside, other=0).to(ACC)
            factor = scale * w
    end = tl.minimum((part + 1) * chunk, pixels)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        x, total, inner = slope_at(
            y, gradient, kept, rectified, mean, scale, w, b, q, c, here, height, width, channels,
            gradient_stride, rectified_stride, slope, NORM, weight is not None, ACTIVATION, PAD, ACC,
        )  # fmt: skip
        if NORM:
            inner = (inner - first[None, :] - x * second[None, :]) * factor[None, :]
        place = q.to(tl.int64)[:, None] * channels + c[None, :]
        tl.store(y_gradient + place, inner.to(y_gradient.dtype.element_ty), mask=here)
        if residual_gradient is not None:
            rounded = total.to(residual_gradient.dtype.element_ty)
            tl.store(residual_gradient + place, rounded, mask=here)
