"""Costs on this machine of doing things plainly, as the original code does, and as ours does by default, in turn:
python scripts/dev/benchmark.py train | data | test | save [--model cycle_gan] [--size 256] ...

train: a training step.
data:  loading of training images, without and with --cache.
test:  test.py, from image files to result files.
save:  how long training waits for a checkpoint, and how long the disk works on it meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from options.base_options import PRECISIONS
from util.errors import run_command
from util.script_parser import script_parser

if TYPE_CHECKING:
    import torch

    from scripts.dev.benchmarks.timing import Row

MODELS = ("pix2pix", "cycle_gan", "cut")  # that have a plain version in benchmarks/plain_steps.py
WHAT = ("train", "data", "test", "save")
BY_MODEL = ("train", "save")
BY_BATCH_SIZE = ("train", "data")


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    import torch

    from util.device import describe, select_device

    device = select_device(options.gpu_ids)
    print(f"{describe(device, options.gpu_ids)}, PyTorch {torch.__version__}\n")
    models = (options.model or MODELS) if options.what in BY_MODEL else ["pix2pix"]
    sizes = options.batch_size if options.what in BY_BATCH_SIZE else options.batch_size[:1]
    measure = measure_of(options.what)
    for number, (name, size) in enumerate(product(models, sizes)):
        case = argparse.Namespace(**{**vars(options), "batch_size": size})
        row = measure(name, device, case)
        if number == 0:
            print("| " + " | ".join(row) + " |\n" + "|---" * len(row) + "|")
        print("| " + " | ".join(row.values()) + " |", flush=True)
    return 0


def measure_of(what: str) -> Callable[[str, torch.device, argparse.Namespace], Row]:
    """Imports what is asked for alone: training steps need PyTorch, and no packages that write pages."""
    if what == "train":
        from scripts.dev.benchmarks.steps import measure
    elif what == "data":
        from scripts.dev.benchmarks.loading import measure
    elif what == "test":
        from scripts.dev.benchmarks.translating import measure
    else:
        from scripts.dev.benchmarks.saving import measure
    return measure


def parser() -> argparse.ArgumentParser:
    words = script_parser(__doc__)
    words.add_argument("what", choices=WHAT)
    words.add_argument(
        "--model",
        nargs="+",
        choices=MODELS,
        help="train, save: default both",
    )
    words.add_argument("--gpu_ids", default="0", help="-1 for the CPU")
    words.add_argument("--size", type=int, default=256, help="pixels, both ways")
    words.add_argument("--batch_size", type=int, nargs="+", default=[1], help="train, data")
    words.add_argument("--netG", help="another generator than the model's default")
    words.add_argument("--ngf", type=int, default=64, help="filters; ndf is the same")
    words.add_argument("--repeats", type=int, default=7, help="of each, in turn; the median counts")
    words.add_argument("--num_threads", type=int, default=1, help="data: loader processes")
    words.add_argument("--folder", type=Path, help="data, test, save: where to write")
    words.add_argument("--precision", choices=PRECISIONS, default="auto", help="train: of ours")
    words.add_argument("--no_cuda_graphs", action="store_true", help="train: as of train.py")
    words.add_argument("--contiguous", action="store_true", help="train: NCHW, not channels_last")
    words.add_argument("--compile", action="store_true", help="train: as of train.py")
    return words


if __name__ == "__main__":
    run_command(main)
