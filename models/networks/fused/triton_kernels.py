"""Triton kernels of the fused layers: norm, activation, residual sum and mirrored border of channels_last images.

Images are rows of pixels, (groups, pixels, channels) in memory; a group is what a norm takes its statistics of: an
image for an instance norm, a batch for a batch norm. A program computes a tile of P pixels by C channels at a time, in
ACC (float32; float64 for tests), and sums in a fixed order: results are the same every time. Numbers such as eps are given as float32.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

# Numbers whose divisibility would only make more variants to compile.
SIZES = ("images", "height", "width", "pixels", "parts", "chunk")


def sums_type(dtype: torch.dtype) -> tl.dtype:
    """Triton's name of the type of ACC."""
    return {torch.float32: tl.float32, torch.float64: tl.float64}[dtype]


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


@triton.jit
def add_up(
    y,
    first,
    begin,
    end,
    channels,
    c,
    inside,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
):
    """Sums of y - first and of its square over pixels of a group."""
    total = tl.zeros((P, C), ACC)
    squares = tl.zeros((P, C), ACC)
    for start in range(begin, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        place = q.to(INDEX)[:, None] * channels + c[None, :]
        value = tl.load(y + place, mask=here, other=0).to(ACC) - first[None, :]
        value = tl.where(here, value, 0.0)
        total += value
        squares += value * value
    return tl.sum(total, 0), tl.sum(squares, 0)


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
    INDEX: tl.constexpr,
):
    """Sums of y and of its square over parts of a group: sums (groups, 2, parts, channels).

    Both are relative to the group's first pixel, without which squares of images far from 0 would lose digits.
    """
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    y += group.to(tl.int64) * pixels * channels
    first = tl.load(y + c, mask=inside, other=0).to(ACC)
    end = tl.minimum((part + 1) * chunk, pixels)
    total, squares = add_up(y, first, part * chunk, end, channels, c, inside, P, C, ACC, INDEX)
    parts = tl.num_programs(1)
    sums += (group * 2 * parts + part) * channels + c
    tl.store(sums, total, mask=inside)
    tl.store(sums + parts * channels, squares, mask=inside)


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
    INDEX: tl.constexpr,
):
    """out = pad(activation(norm(y)) + residual), and rectified = relu(norm(y)), which is not padded.

    Also moments (groups, 2, channels): mean and 1 / deviation; and the running statistics. Without PARTS, a program adds
    its group up itself.
    """
    part, group = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * C + tl.arange(0, C)
    inside = c < channels
    pixels = images * height * width
    y += group.to(tl.int64) * pixels * channels
    if NORM:
        origin = tl.load(y + c, mask=inside, other=0).to(ACC)
        if PARTS == 0:
            first, second = add_up(y, origin, 0, pixels, channels, c, inside, P, C, ACC, INDEX)
        else:
            first, second = sum_parts(
                sums + group * 2 * parts * channels, parts, channels, c, inside, PARTS
            )
        first /= pixels
        variance = tl.maximum(second / pixels - first * first, 0.0)
        mean = first + origin
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
    if rectified is not None:
        rectified += group.to(tl.int64) * pixels * rectified_stride
    end = tl.minimum((part + 1) * chunk, images * rows * columns)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        image = q // (rows * columns)
        i = mirror(q // columns % rows - PAD, height)
        j = mirror(q % columns - PAD, width)
        here = (q < end)[:, None] & inside[None, :]
        pixel = ((image * height + i) * width + j).to(INDEX)[:, None]
        z = tl.load(y + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
        if NORM:
            z = (z - mean[None, :]) * scale[None, :]
            if weight is not None:
                z = z * w[None, :] + b[None, :]
        if rectified is not None:
            place = rectified + pixel * rectified_stride + c[None, :]
            tl.store(place, tl.where(z <= 0, 0.0, z).to(rectified.dtype.element_ty), mask=here)
        if ACTIVATION:
            z = tl.where(z > 0, z, z * slope)
        if residual is not None:
            n = (group * images + image).to(tl.int64)
            place = (n * residual_n + i * residual_h + j * residual_w)[:, None] + c[None, :]
            z += tl.load(residual + place, mask=here, other=0).to(ACC)
        here = (q < end)[:, None] & (c < out_channels)[None, :]
        place = q.to(INDEX)[:, None] * out_stride + c[None, :]
        tl.store(out + place, tl.where(inside[None, :], z, 0.0).to(out.dtype.element_ty), mask=here)


@triton.jit
def pixels_at(gradient, image, row, column, columns, rows, c, here, stride, ACC, INDEX):
    place = ((image * rows + row) * columns + column).to(INDEX)[:, None] * stride + c[None, :]
    return tl.load(gradient + place, mask=here, other=0).to(ACC)


@triton.jit
def gather_border(
    gradient,
    start,
    q,
    c,
    here,
    height,
    width,
    stride,
    PAD: tl.constexpr,
    SMALL: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
):
    """Gradients of the pixels q from start on: each the sum over itself and all its mirror images in the border.

    There are up to nine, where images are SMALL, and else four: both mirrors of a side are near only one of its ends.
    """
    if PAD == 0:
        place = q.to(INDEX)[:, None] * stride + c[None, :]
        total = tl.load(gradient + place, mask=here, other=0).to(ACC)
    else:
        image, i, j = q // (height * width), q // width % height, q % width
        rows, columns = height + 2 * PAD, width + 2 * PAD
        total = pixels_at(
            gradient, image, PAD + i, PAD + j, columns, rows, c, here, stride, ACC, INDEX
        )
        above, left = (i >= 1) & (i <= PAD), (j >= 1) & (j <= PAD)
        below = (i >= height - 1 - PAD) & (i < height - 1)
        right = (j >= width - 1 - PAD) & (j < width - 1)
        last_i, last_j = PAD + 2 * (height - 1) - i, PAD + 2 * (width - 1) - j
        if SMALL:
            for a in tl.static_range(3):
                row = PAD + i if a == 0 else PAD - i if a == 1 else last_i
                for b in tl.static_range(3):
                    if a + b > 0:
                        column = PAD + j if b == 0 else PAD - j if b == 1 else last_j
                        there = q >= 0
                        if a > 0:
                            there &= above if a == 1 else below
                        if b > 0:
                            there &= left if b == 1 else right
                        total += pixels_at(
                            gradient, image, row, column, columns, rows, c, here & there[:, None],
                            stride, ACC, INDEX,
                        )  # fmt: skip
        else:
            column, beside = tl.where(left, PAD - j, last_j), here & (left | right)[:, None]
            total += pixels_at(
                gradient, image, PAD + i, column, columns, rows, c, beside, stride, ACC, INDEX
            )
            top = start // width % height
            if (top <= PAD) | (top + (start % width + q.shape[0]) // width >= height - 1 - PAD):
                row, over = tl.where(above, PAD - i, last_i), (above | below)[:, None]
                total += pixels_at(
                    gradient, image, row, PAD + j, columns, rows, c, here & over, stride, ACC, INDEX
                )
                total += pixels_at(
                    gradient,
                    image,
                    row,
                    column,
                    columns,
                    rows,
                    c,
                    beside & over,
                    stride,
                    ACC,
                    INDEX,
                )
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
    start,
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
    SMALL: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
):
    """Of pixels q: y, normal; gradients of the residual sum, and of the norm's result."""
    pixel = q.to(INDEX)[:, None]
    x = tl.load(y + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
    if NORM:
        x = (x - mean[None, :]) * scale[None, :]
    z = x
    if AFFINE:
        z = x * w[None, :] + b[None, :]
    total = gather_border(
        gradient, start, q, c, here, height, width, gradient_stride, PAD, SMALL, ACC, INDEX
    )
    if kept is not None:
        total += tl.load(kept + pixel * channels + c[None, :], mask=here, other=0).to(ACC)
    inner = total
    if ACTIVATION:
        inner = tl.where(z > 0, total, total * slope)
    if rectified is not None:
        place = rectified + pixel * rectified_stride + c[None, :]
        inner += tl.where(z > 0, tl.load(place, mask=here, other=0).to(ACC), 0.0)
    return x, total, inner


@triton.jit
def add_up_gradients(
    y,
    gradient,
    kept,
    rectified,
    mean,
    scale,
    w,
    b,
    begin,
    end,
    c,
    inside,
    height,
    width,
    channels,
    gradient_stride,
    rectified_stride,
    slope,
    AFFINE: tl.constexpr,
    ACTIVATION: tl.constexpr,
    PAD: tl.constexpr,
    SMALL: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
):
    """Over pixels of a group, sums of the gradient of the norm's result, and of it times y, normal."""
    total = tl.zeros((P, C), ACC)
    product = tl.zeros((P, C), ACC)
    for start in range(begin, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        x, _, inner = slope_at(
            y, gradient, kept, rectified, mean, scale, w, b, start, q, c, here, height, width, channels,
            gradient_stride, rectified_stride, slope, True, AFFINE, ACTIVATION, PAD, SMALL, ACC, INDEX,
        )  # fmt: skip
        total += inner
        product += inner * x
    return tl.sum(total, 0), tl.sum(product, 0)


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
    SMALL: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
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
    end = tl.minimum((part + 1) * chunk, pixels)
    total, product = add_up_gradients(
        y, gradient, kept, rectified, mean, scale, w, b, part * chunk, end, c, inside, height, width,
        channels, gradient_stride, rectified_stride, slope, weight is not None, ACTIVATION, PAD, SMALL,
        P, C, ACC, INDEX,
    )  # fmt: skip
    parts = tl.num_programs(1)
    sums += (group * 2 * parts + part) * channels + c
    tl.store(sums, total, mask=inside)
    tl.store(sums + parts * channels, product, mask=inside)


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
    SMALL: tl.constexpr,
    PARTS: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    ACC: tl.constexpr,
    INDEX: tl.constexpr,
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
        mean = tl.load(moments + group * 2 * channels + c, mask=inside, other=0)
        scale = tl.load(moments + (group * 2 + 1) * channels + c, mask=inside, other=0)
        factor = scale
        if weight is not None:
            w = tl.load(weight + c, mask=inside, other=0).to(ACC)
            b = tl.load(bias + c, mask=inside, other=0).to(ACC)
            factor = scale * w
        if PARTS == 0:
            first, second = add_up_gradients(
                y, gradient, kept, rectified, mean, scale, w, b, 0, pixels, c, inside, height, width,
                channels, gradient_stride, rectified_stride, slope, weight is not None, ACTIVATION, PAD,
                SMALL, P, C, ACC, INDEX,
            )  # fmt: skip
        else:
            first, second = sum_parts(
                sums + group * 2 * parts * channels, parts, channels, c, inside, PARTS
            )
        if parameter_gradients is not None:  # noqa: SIM102, known when the kernel is compiled
            if part == 0:
                tl.store(parameter_gradients + group * 2 * channels + c, first, mask=inside)
                tl.store(parameter_gradients + (group * 2 + 1) * channels + c, second, mask=inside)
        first /= pixels
        second /= pixels
    end = tl.minimum((part + 1) * chunk, pixels)
    for start in range(part * chunk, end, P):
        q = start + tl.arange(0, P)
        here = (q < end)[:, None] & inside[None, :]
        x, total, inner = slope_at(
            y, gradient, kept, rectified, mean, scale, w, b, start, q, c, here, height, width, channels,
            gradient_stride, rectified_stride, slope, NORM, weight is not None, ACTIVATION, PAD, SMALL, ACC,
            INDEX,
        )  # fmt: skip
        if NORM:
            inner = (inner - first[None, :] - x * second[None, :]) * factor[None, :]
        place = q.to(INDEX)[:, None] * channels + c[None, :]
        tl.store(y_gradient + place, inner.to(y_gradient.dtype.element_ty), mask=here)
        if residual_gradient is not None:
            rounded = total.to(residual_gradient.dtype.element_ty)
            tl.store(residual_gradient + place, rounded, mask=here)


@triton.jit(do_not_specialize=("height", "width"))
def unfold_rows(
    images,
    out,
    height,
    width,
    image_n,
    image_c,
    image_h,
    image_w,
    CHANNELS: tl.constexpr,
    SIZE: tl.constexpr,
    PAD: tl.constexpr,
    REVERSED: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
):
    """out (n, h, w, d * CHANNELS + c) = images (n, c, h, w + d), mirrored, or w - d if REVERSED, 0 outside; d < SIZE."""
    columns = width + SIZE - 1 if REVERSED else width + 2 * PAD - SIZE + 1
    rows, n = height + 2 * PAD, tl.program_id(1).to(tl.int64)
    k = tl.arange(0, C)
    q = tl.program_id(0) * P + tl.arange(0, P)
    c, d = k % CHANNELS, k // CHANNELS
    inside = (q < rows * columns)[:, None]
    here = inside & (d < SIZE)[None, :]
    if REVERSED:
        i, j = (q // columns)[:, None], (q % columns)[:, None] - d[None, :]
        here &= (j >= 0) & (j < width)
    else:
        i = mirror(q // columns - PAD, height)[:, None]
        j = mirror((q % columns)[:, None] + d[None, :] - PAD, width)
    place = i * image_h + j * image_w + c[None, :] * image_c
    value = tl.load(images + n * image_n + place, mask=here, other=0)
    place = n * rows * columns * C + q[:, None] * C + k[None, :]
    tl.store(out + place, value.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=("height", "width"))
def fold_rows(
    rows_of,
    bias,
    out,
    height,
    width,
    CHANNELS: tl.constexpr,
    SIZE: tl.constexpr,
    PAD: tl.constexpr,
    REVERSED: tl.constexpr,
    P: tl.constexpr,
    C: tl.constexpr,
    WIDE: tl.constexpr,
    ACC: tl.constexpr,
):
    """out (n, h, w, c) = what `unfold_rows` makes of its images, of C channels, summed back into them; plus bias."""
    columns = width + SIZE - 1 if REVERSED else width + 2 * PAD - SIZE + 1
    rows, n = height + 2 * PAD, tl.program_id(1).to(tl.int64)
    c = tl.arange(0, WIDE)
    q = tl.program_id(0) * P + tl.arange(0, P)
    i, j = q // width, q % width
    rows_of += n * rows * columns * C
    inside = (q < height * width)[:, None] & (c < CHANNELS)[None, :]
    total = tl.zeros((P, WIDE), ACC)
    if bias is not None:
        total += tl.load(bias + c, mask=c < CHANNELS, other=0).to(ACC)[None, :]
    for a in tl.static_range(3 if PAD > 0 else 1):
        row, has_row = PAD + i, i >= 0
        if a == 1:
            row, has_row = PAD - i, (i >= 1) & (i <= PAD)
        if a == 2:
            row = PAD + 2 * (height - 1) - i
            has_row = (i >= height - 1 - PAD) & (i < height - 1)
        for b in tl.static_range(3 if PAD > 0 else 1):
            column, there = PAD + j, has_row
            if b == 1:
                column, there = PAD - j, has_row & (j >= 1) & (j <= PAD)
            if b == 2:
                column = PAD + 2 * (width - 1) - j
                there = has_row & (j >= width - 1 - PAD) & (j < width - 1)
            for d in tl.static_range(SIZE):
                at = column + d if REVERSED else column - d
                here = inside & (there & (at >= 0) & (at < columns))[:, None]
                place = ((row * columns + at) * C + d * CHANNELS)[:, None] + c[None, :]
                total += tl.load(rows_of + place, mask=here, other=0).to(ACC)
    place = n * height * width * CHANNELS + q[:, None] * CHANNELS + c[None, :]
    tl.store(out + place, total.to(out.dtype.element_ty), mask=inside)
