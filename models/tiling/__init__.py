"""Translating images of any size in bounded memory: exactly as the whole image would be, or blended from tiles.

See docs/large_images.md for what is exact for which network, and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.norms import image_norm, rebuilt
from models.tiling.norm_statistics import Gathered, ImageStatistics
from models.tiling.receptive_field import reaches
from models.tiling.tiles import RAMP, Part, Read, Region, overlapping, padded, regions, window
from util.images import padded_sides

Compute = Callable[[nn.Module, torch.Tensor], torch.Tensor]
DROPOUT = nn.modules.dropout._DropoutNd


@dataclass(frozen=True)
class Tiling:
    """Settings by which images are cut.

    Attributes:
        tile: side of the square of output that is computed at once, in pixels, rounded up to what the network takes;
            0 is whole images.
        mode: "exact" gives what the whole image would, "blend" blends overlapping tiles that are translated alone.
    """

    tile: int = 0
    mode: str = "exact"


class Work(NamedTuple):
    """Plan of what is computed: an image of a size that the network takes, in tiles of such a size."""

    network: nn.Module
    read: Read
    size: tuple[int, int]
    tile: int
    multiple: int
    run: Compute
    progress: Callable[[int, int], object]


def translate_parts(
    network: nn.Module,
    read: Read,
    size: tuple[int, int],
    tiling: Tiling,
    *,
    compute: Compute = nn.Module.__call__,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[Part]:
    """Translates an image in parts that come row by row and cover it once.

    Dropout is off: the noise of a whole image could not be repeated. Batch norm in training mode takes the statistics of
    the image and tracks none.

    Args:
        read: (rows, columns) -> (C, h, w) in [-1, 1]; called several times for every place in exact mode.
        size: height and width of the image.
        compute: runs a network on (1, C, h, w); its output is (1, C', h, w).
        progress: called with the number of regions done and of all.
    Raises: InputError when exactness cannot be had.
    """
    network = without_chance(network)
    multiple = getattr(network, "size_multiple", 1)
    parameter = next(network.parameters())

    def run(network: nn.Module, region: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return compute(network, region.to(parameter.device, parameter.dtype))

    target = padded_sides(*size, multiple)
    tile, _ = padded_sides(tiling.tile, 0, multiple) if tiling.tile else (max(target), 0)
    way = _blended if tiling.mode == "blend" else _exact
    work = Work(network, padded(read, size, target), target, tile, multiple, run, progress)
    parts = way(work)
    return (_clipped(part, size) for part in parts if part.rows.start < size[0])


def tiled(
    network: nn.Module,
    images: torch.Tensor,
    tiling: Tiling,
    *,
    compute: Compute = nn.Module.__call__,
) -> torch.Tensor:
    """Translates images (N, C, H, W) of any size, each by itself and in parts; results have their size."""
    outputs: list[torch.Tensor] = []
    for image in images:
        height, width = image.shape[-2:]
        output = None
        for part in translate_parts(
            network, partial(_window, image), (height, width), tiling, compute=compute
        ):
            if output is None:
                output = part.values.new_empty(len(part.values), height, width)
            output[:, part.rows, part.columns] = part.values
        assert output is not None
        outputs.append(output)
    return torch.stack(outputs)


def _window(image: torch.Tensor, rows: slice, columns: slice) -> torch.Tensor:
    return image[:, rows, columns]


def without_chance(network: nn.Module) -> nn.Module:
    """Returns the network without dropout and without mixing images; it shares its parameters."""

    def calm(module: nn.Module) -> nn.Module | None:
        if isinstance(module, DROPOUT):
            return nn.Identity()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            return image_norm(module)
        return None

    return rebuilt(network, calm)


def draws_dropout(network: nn.Module) -> bool:
    """Tells whether the network, as it is now, gives another result each time."""
    return any(m.training and m.p > 0 for m in network.modules() if isinstance(m, DROPOUT))


def _exact(work: Work) -> Iterator[Part]:
    """One pass over the image for each norm that needs its statistics, and one for the output."""
    network, read, size, tile, multiple, run, progress = work
    halos = [0] if tile >= max(size) else reaches(network, multiple)
    if all(side <= tile + 2 * halos[-1] for side in size):
        halos, tile = [0], max(size)  # a region could be as large: the whole costs less
    else:
        statistics = ImageStatistics()
        network = statistics.attached(network)
    passes = [regions(size, tile, halo, multiple) for halo in halos]
    done, total = 0, sum(map(len, passes))
    for number, cut in enumerate(passes):
        for region in cut:
            if len(passes) > 1:
                statistics.enter(region.core)
            try:
                output = run(network, region.read(read))[0]
            except Gathered:
                output = None
            done += 1
            progress(done, total)
            if output is not None:
                rows, columns = (slice(span.start, span.stop) for span in region)
                yield Part(rows, columns, region.core.of(output))
        if number < len(passes) - 1:
            statistics.know()


def _blended(work: Work) -> Iterator[Part]:
    """Bands as wide as the image: sums of tiles that are weighted by their windows."""
    network, read, size, tile, multiple, run, progress = work
    down, across = (overlapping(side, tile, multiple) for side in size)
    width, ramp = size[1], tile // RAMP
    across_weights = [window(span, width, ramp) for span in across]
    sums = torch.zeros(0, 0, width)
    start, done = 0, 0  # of sums, and how many tiles are in them
    for span in down:
        weights = window(span, size[0], ramp)[:, None]
        for column, across_weight in zip(across, across_weights, strict=True):
            output = run(network, Region(span, column).read(read))[0]
            if not sums.numel():
                sums = output.new_zeros(len(output), 0, width)
            sums = F.pad(sums, (0, 0, 0, span.last - start - sums.shape[1]))
            weighted = output * (weights * across_weight).to(output)
            above = max(0, start - span.first)  # rows that have no weight in this tile
            place = sums[:, span.first + above - start :, column.first : column.last]
            place += weighted[:, above:]
            done += 1
            progress(done, len(down) * len(across))
        ready = span.last if span is down[-1] else span.stop - ramp
        yield Part(slice(start, ready), slice(0, width), sums[:, : ready - start])
        sums, start = sums[:, ready - start :], ready


def _clipped(part: Part, size: tuple[int, int]) -> Part:
    """Without what lies beyond the image."""
    rows, columns = (
        slice(wanted.start, min(wanted.stop, side))
        for wanted, side in zip((part.rows, part.columns), size, strict=True)
    )
    height, width = rows.stop - rows.start, columns.stop - columns.start
    return Part(rows, columns, part.values[:, :height, :width])
