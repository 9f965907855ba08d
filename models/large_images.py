"""From file to file: an image that need not fit into memory, translated in parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from models.tiling import Compute, Tiling, translated_parts
from util.images import to_uint8
from util.large_images import open_large
from util.large_output import write_large


def translate_large(
    network: nn.Module,
    source: Path,
    target: Path,
    tiling: Tiling,
    *,
    channels: int = 3,
    compute: Compute = nn.Module.__call__,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Writes the translation of an image file, 8 bits, to another one, which appears when it is complete.

    From tiled or striped TIFF to TIFF, memory depends on the tile and, by a band of pixels, on the width alone; other
    formats are held in memory as 8 bits (16 if the file has them).

    Args:
        channels: that the network takes, 1 or 3; the image is converted to them.
        compute, progress: as in `translated_parts`.
    Raises: InputError when a file cannot be read or written, or exactness cannot be had.
    """
    with open_large(source) as image:

        def read(rows: slice, columns: slice) -> torch.Tensor:
            return image.read(rows, columns, channels)

        size = image.height, image.width
        parts = translated_parts(network, read, size, tiling, compute=compute, progress=progress)
        write_large(target, size, ((p.rows, p.columns, to_uint8(p.values)) for p in parts))
