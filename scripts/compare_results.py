"""One page for several runs or checkpoints: python scripts/compare_results.py results/A/test_latest results/B/test_latest

For each input the page shows what all runs made of it, with the same slider, difference maps, sorting and filtering as
a result page. Images are linked, not copied: move the folders together. docs/pages.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Measures and writes the page; returns the exit status."""
    options = build_parser().parse_args(argv)
    from scripts.lib.evaluation.compare_command import compare_results

    return compare_results(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("folders", nargs="+", type=Path, metavar="RESULTS", help="results/NAME/test_latest; the first is what others are compared with")
    add("--direction", choices=("AtoB", "BtoA", "both"), default="both", help="fake_B, fake_A, or what there is")
    add("--unpaired", action="store_true", help="equal names are chance: show and measure no truths")
    add("--display_winsize", type=_width, default=256, help="width of images on the page when it is opened, in pixels")
    add("--out", type=Path, default=Path("results/comparison"), help="folder for the page")
    # fmt: on
    return parser


def _width(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels, 1 or more")
    return int(text)


if __name__ == "__main__":
    run_command(main)
