"""From file to file: an image that need not fit into memory, translated in parts."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.tiling import Compute, Tiling, translate_parts
from models.tiling.tiles import Part
from util.images import to_uint8
from util.images.large_read import LargeImage, open_large
from util.images.large_write import write_large
from util.images.metadata import read_metadata
from util.images.nodata import fill_missing, mark_missing
from util.images.values import INPUTS, OUTPUTS, Values

STRIP = 4_000_000  # pixels that are read at once for the mean
TRIMMED = 16  # parts, after which memory is given back


def translate_large(
    network: nn.Module,
    source: Path,
    target: Path,
    tiling: Tiling,
    *,
    inputs: Values = INPUTS,
    outputs: Values = OUTPUTS,
    compute: Compute = nn.Module.__call__,
    progress: Callable[[int, int], object] = lambda done, total: None,
    pyramid: bool = False,
) -> None:
    """Writes the translation of an image file to another one, which appears when it is complete.

    From tiled or striped TIFF to TIFF, memory depends on the tile and, by a band of pixels, on the width alone; other
    formats are held in memory as 8 bits (16 if the file has them).

    Args:
        inputs, outputs: meaning of the numbers in both files; more than 8 bits come out only in TIFF. An input of an
            undeclared range has all that its type can hold, an output of one 8 bits.
        compute, progress: as in `translate_parts`.
        pyramid: as in `write_large`.
    Raises: InputError when a file cannot be read or written, or exactness cannot be had.
    """

    def trim_and_report(done: int, total: int) -> None:
        if done % TRIMMED == 0:
            return_free_memory()
        progress(done, total)

    with open_large(source, inputs) as image:
        leaves_out = inputs.nodata is not None and not inputs.labels
        fill = mean_pixel(image, inputs) if leaves_out else None

        def read(rows: slice, columns: slice) -> torch.Tensor:
            pixels = image.read(rows, columns, inputs)
            return pixels if fill is None else fill_missing(pixels, fill)[0]

        def made(part: Part) -> np.ndarray:
            values = part.values
            if leaves_out:
                _, valid = fill_missing(image.read(part.rows, part.columns, inputs), fill)
                values = mark_missing(values, valid.to(values.device))
            if outputs.eight_bits and len(values) in (1, 3):
                return to_uint8(values)
            array = outputs.from_network(values[None])
            return array[..., 0] if array.shape[-1] == 1 else array

        size = image.height, image.width
        parts = translate_parts(
            network, read, size, tiling, compute=compute, progress=trim_and_report
        )
        metadata = read_metadata(str(source), inputs.page)
        if metadata:
            metadata = metadata.at_size(size).of_result(outputs)
        pixels = ((p.rows, p.columns, made(p)) for p in parts)
        write_large(target, size, pixels, metadata, pyramid=pyramid, classes=outputs.labels)


def mean_pixel(image: LargeImage, values: Values) -> torch.Tensor:
    """The mean (C, 1, 1) of all pixels that hold data, read in strips; 0 where there are none."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = slice(top, min(top + rows, image.height))
        pixels = image.read(strip, slice(0, image.width), values)
        present, valid = fill_missing(pixels, torch.zeros(len(pixels), 1, 1))
        total = total + present.sum((-2, -1), dtype=torch.float64)
        count += int(valid.sum())
    return (total / max(1, count))[..., None, None]


def return_free_memory() -> None:
    """Gives freed memory back to the system, where the C library is glibc; elsewhere it does nothing.

    glibc keeps ever larger blocks for itself once such have been freed, and a process that computes one part after the
    other grows by hundreds of megabytes.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)
