"""A small generator that does what a trained one does: python scripts/distill.py --name maps_pix2pix --ngf 16

It learns from the teacher's outputs beside the losses that the teacher learnt from, on the same data; train.py does the
training (--model distill), and takes all further flags: --n_epochs 20, --continue_train ... Then both stand side by
side: size, multiplications, time on this CPU, quality. docs/export.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.lib.generator_flags import add_generator_flags
from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Trains the student and compares; returns the exit status."""
    options, further = build_parser().parse_known_args(argv)
    from scripts.lib.distillation.command import distill

    return distill(options, further)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add_generator_flags(parser)
    add("--student", default="", help="name of the student's run (default: the teacher's, with netG and ngf)")
    add("--netG", default="", help="the student's generator (default: the teacher's)")
    add("--ngf", type=int, default=0, help="the student's width (default: a quarter of the teacher's)")
    add("--phase", default="test", help="split of the data set to compare on")
    add("--num_test", type=int, default=50, help="how many images to compare on")
    add("--rounds", type=int, default=20, help="how often an image is timed")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
