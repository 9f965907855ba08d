"""How long the fused norms take by the size of their tiles: python scripts/dev/tune_tiling.py [--only NAME ...]

Microseconds of the four kernels on an NVIDIA GPU, for images as the networks have them; the best is `operation.TILING`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.networks.fused import layers, operation
from scripts.dev.benchmarks.kernels import kernels
from scripts.dev.benchmarks.steps import repeat
from util.errors import run_command
from util.script_parser import script_parser

KERNELS = ("channel_sums", "normalize", "gradient_sums", "normalize_backward")
# Images, channels, height and width; of instance norms, and the last ones of batch norms.
SHAPES = [
    (2, 256, 64, 64), (8, 256, 64, 64), (2, 64, 256, 256), (8, 64, 256, 256), (8, 128, 128, 128),
    (1, 512, 32, 32), (1, 128, 64, 64), (16, 256, 32, 32), (16, 128, 64, 64),
]  # fmt: skip
BATCH_NORMS = 4
BEST = operation.Tiling()
TILINGS = {
    "now": BEST,
    "programs 2112": BEST._replace(programs=2112),
    "programs 528": BEST._replace(programs=528),
    "sum_programs 528": BEST._replace(sum_programs=528),
    "most_parts 64": BEST._replace(sum_programs=528, most_parts=64),
    "whole 4096": BEST._replace(whole=4096),
    "whole 256": BEST._replace(whole=256),
    "high 32": BEST._replace(high=32, sum_high=64),
    "high 128": BEST._replace(high=128),
    "high 128, warps 8": BEST._replace(high=128, warps=8, sum_high=256),
    "sum_warps 4": BEST._replace(sum_warps=4),
    "wide 64": BEST._replace(wide=64),
    "wide 64, high 32": BEST._replace(wide=64, high=32, sum_high=64),
}


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    device = torch.device("cuda")
    print("| tiling | images | " + " | ".join(f"{name}, us" for name in KERNELS) + " | sum |")
    print("|---" * (len(KERNELS) + 3) + "|")
    for name in options.only:
        operation.TILING = TILINGS[name]
        for number, shape in enumerate(SHAPES):
            norm = "batch" if number >= len(SHAPES) - BATCH_NORMS else "image"
            try:
                taken = measure(shape, norm, device)
            except Exception as error:  # too large a tile must not cost the others their numbers
                print(f"| {name} | {shape} | {type(error).__name__}: {str(error)[:80]} |")
                continue
            cells = [f"{taken[kernel]:.1f}" if kernel in taken else "" for kernel in KERNELS]
            row = [name, "x".join(map(str, shape)), *cells, f"{sum(taken.values()):.1f}"]
            print("| " + " | ".join(row) + " |", flush=True)
    return 0


def measure(shape: tuple[int, int, int, int], norm: str, device: torch.device) -> dict[str, float]:
    """Median microseconds of each kernel."""
    images = torch.randn(shape, dtype=torch.bfloat16, device=device)
    y = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    padding = 1 if norm == "image" else 0
    group = operation.Group(layers.kernels(), norm, 1e-5, slope=0.0, padding=padding)
    slope = None

    def both_ways() -> None:
        nonlocal slope
        out = operation.Fused.apply(y, None, None, None, group)[0]
        slope = torch.randn_like(out) if slope is None else slope
        torch.autograd.grad(out, y, slope)

    repeat(both_ways, 3)
    taken = defaultdict(list)
    for kernel in kernels(partial(repeat, both_ways, 10), device):
        if kernel.name in KERNELS:
            taken[kernel.name].append(kernel.end - kernel.start)
    return {name: statistics.median(times) for name, times in taken.items()}


def parser() -> argparse.ArgumentParser:
    words = script_parser(__doc__)
    words.add_argument("--only", nargs="+", choices=list(TILINGS), default=list(TILINGS))
    return words


if __name__ == "__main__":
    run_command(main)
