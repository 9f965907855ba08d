"""Tiles of an image: how it is cut, read and put together."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch

from models.tiling.norm_statistics import Core
from util.images import mirrored

RAMP = 8  # blended tiles pass into each other along this part of their length

Read = Callable[[slice, slice], torch.Tensor]  # rows, columns -> (C, h, w) in [-1, 1]


class Part(NamedTuple):
    """Rows, columns, and the values there, (C, h, w) in [-1, 1]."""

    rows: slice
    columns: slice
    values: torch.Tensor


class Span(NamedTuple):
    """Along one axis: what is wanted, start to stop, and what is given to the network for it, first to last."""

    start: int
    stop: int
    first: int
    last: int


class Region(NamedTuple):
    """A rectangle of the image."""

    rows: Span
    columns: Span

    @property
    def core(self) -> Core:
        """The part of it that is wanted."""
        return Core(*(f for span in self for f in _fractions(span)))

    def read(self, read: Read) -> torch.Tensor:
        """All of it, (1, C, h, w)."""
        rows, columns = (slice(span.first, span.last) for span in self)
        return read(rows, columns)[None]


def _fractions(span: Span) -> tuple[float, float]:
    length = span.last - span.first
    return (span.start - span.first) / length, (span.stop - span.first) / length


def spans(length: int, tile: int, halo: int, multiple: int) -> list[Span]:
    """Tiles side by side, alike in length but for one multiple, each with the halo on either side, or the image's border.

    What the network is given has one length for all: a shape that is new costs time, and memory that stays.
    """
    blocks = length // multiple
    count = -(-length // tile)
    ends = [blocks * i // count * multiple for i in range(count + 1)]
    full = min(length, max(b - a for a, b in pairwise(ends)) + 2 * halo)
    firsts = [min(max(0, start - halo), length - full) for start in ends[:-1]]
    return [
        Span(start, stop, first, first + full)
        for (start, stop), first in zip(pairwise(ends), firsts, strict=True)
    ]


def regions(size: tuple[int, int], tile: int, halo: int, multiple: int) -> list[Region]:
    """Row by row."""
    down, across = (spans(side, tile, halo, multiple) for side in size)
    return [Region(rows, columns) for rows in down for columns in across]


def overlapping(length: int, tile: int, multiple: int) -> list[Span]:
    """Tiles of one length that overlap by a quarter, an eighth at least; wanted is what is farthest from their ends.

    They begin where the network's strides do, or, if tiles are too small for that, half its strides and so on.
    """
    tile, grid = min(tile, length), multiple
    while grid % 2 == 0 and grid > tile // RAMP:
        grid //= 2
    count = -(-(length - tile) // (tile * 3 // 4)) + 1
    last = (length - tile) // grid
    firsts = [last * i // max(1, count - 1) * grid for i in range(count)]
    seams = [(a + tile + b) // 2 for a, b in pairwise(firsts)]
    ends = [0, *seams, length]
    return [Span(ends[i], ends[i + 1], firsts[i], firsts[i] + tile) for i in range(count)]


def window(span: Span, length: int, ramp: int) -> torch.Tensor:
    """Weights of a tile's pixels along one axis: 1 in what is wanted, half a cosine down across each inner seam.

    Those of neighbours add up to 1, as long as `ramp` is not more than they overlap.
    """
    position = torch.arange(span.first, span.last) + 0.5
    weights = torch.ones(len(position))
    for seam, sign, inner in ((span.start, 1, span.start > 0), (span.stop, -1, span.stop < length)):
        if inner:
            along = ((sign * (position - seam)) / ramp + 0.5).clamp(0, 1)
            weights *= (along * (math.pi / 2)).sin().square()
    return weights


def padded(read: Read, size: tuple[int, int], target: tuple[int, int]) -> Read:
    """Reads an image of that size as if it were continued by mirroring, as `pad_to_multiple` does."""
    maps = [mirrored(side, goal) for side, goal in zip(size, target, strict=True)]

    def continued(rows: slice, columns: slice) -> torch.Tensor:
        picked = [index[wanted] for index, wanted in zip(maps, (rows, columns), strict=True)]
        inside = [slice(int(index.min()), int(index.max()) + 1) for index in picked]
        values = read(*inside)
        for axis, index, source in zip((-2, -1), picked, inside, strict=True):
            if len(index) != source.stop - source.start or index[0] > index[-1]:
                values = values.index_select(axis, (index - source.start).to(values.device))
        return values

    return continued
