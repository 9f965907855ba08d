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
from util.images import to_uint8
from util.images.large_read import open_large
from util.images.large_write import write_large
from util.images.metadata import read_metadata
from util.images.values import INPUTS, OUTPUTS, Values, from_network

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

        def read(rows: slice, columns: slice) -> torch.Tensor:
            return image.read(rows, columns, inputs)

        def made(values: torch.Tensor) -> np.ndarray:
            if not outputs.deep and len(values) in (1, 3):
                return to_uint8(values)
            array = from_network(values.movedim(0, -1).float().cpu().numpy(), outputs.bounds)
            return array[..., 0] if array.shape[-1] == 1 else array

        size = image.height, image.width
        parts = translate_parts(
            network, read, size, tiling, compute=compute, progress=trim_and_report
        )
        metadata = read_metadata(str(source), inputs.page)
        if metadata:
            metadata = metadata.at_size(size).of_result(outputs.channels)
        pixels = ((p.rows, p.columns, made(p.values)) for p in parts)
        write_large(target, size, pixels, metadata, pyramid=pyramid)


def return_free_memory() -> None:
    """Gives freed memory back to the system, where the C library is glibc; elsewhere it does nothing.

    glibc keeps ever larger blocks for itself once such have been freed, and a process that computes one part after the
    other grows by hundreds of megabytes.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)
