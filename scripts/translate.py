"""Translates a file, a folder or a video with a trained generator:
python scripts/translate.py INPUT OUTPUT --name NAME

Results have the size of their inputs. Of a folder every image in it is translated, under the same names; what is there
already is left alone, so the same command goes on after an interruption. docs/translate.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.base_options import ALPHAS
from options.test_options import TILE_MODES
from scripts.lib.generator_flags import add_device_flags, add_generator_flags
from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Translates; returns the exit status, 1 where images could not be translated."""
    options = build_parser().parse_args(argv)
    from scripts.lib.translation.command import translate

    return translate(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("input", type=Path, help="an image, a folder of images, or a video")
    add("output", type=Path, help="a file, or a folder")
    add_generator_flags(parser, weights=True)
    add_device_flags(parser)
    add("--batch_size", type=int, default=8, help="images of 256 x 256 that may go through at once; of larger ones fewer do")
    add("--tile", type=int, default=0, metavar="N", help="computes in squares of so many pixels, to save memory; 0 = off")
    add("--tile_mode", choices=TILE_MODES, default="exact", help="exact gives what the whole image would; blend is faster")
    add("--format", choices=("auto", "png", "jpg", "tiff", "npy", "exr", "same"), default="auto", help="of results in a folder; auto: png, if that holds all values; same: as their inputs")
    add("--range_A", metavar="LOW,HIGH", help="values of input files (default: those of training, or by the type of the first file)")
    add("--range_B", metavar="LOW,HIGH", help="values of results (default: those of training, or those of the inputs)")
    add("--nodata", metavar="VALUE", help="pixels of this value, or nan, hold nothing, and so they do in results (default: as in training)")
    add("--label_A", type=int, metavar="CLASSES", help="inputs are label maps with so many classes (default: as in training)")
    add("--label_B", type=int, metavar="CLASSES", help="results are label maps with so many classes (default: as in training)")
    add("--alpha", choices=ALPHAS, help="transparency: drop it, or lay images on white or black (default: as in training)")
    add("--page", metavar="N", help="of files of several planes: a number from 0, or places along axes, such as c=0,z=5 (default: as in training)")
    add("--pyramid", action="store_true", help="TIFF in tiles, with smaller versions of the image in it, for viewers of large images")
    add("--overwrite", action="store_true", help="translate again what is there already")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
