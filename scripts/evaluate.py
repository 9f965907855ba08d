"""Scores of results, and which of several runs to use: python scripts/evaluate.py results/NAME/test_latest ...

Measures what test.py wrote against the truths beside it, or those in --truth, and writes report.json, report.csv and
index.html. Given checkpoints/NAME instead, it tests what is saved there first: latest, what was best, and averages. docs/evaluation.md says what the metrics mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.lib.generator_flags import add_device_flags
from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Measures, prints and writes; returns the exit status."""
    options = build_parser().parse_args(argv)
    from scripts.lib.evaluation.command import evaluate

    return evaluate(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("folders", nargs="*", type=Path, metavar="RESULTS", help="results/NAME/test_latest, checkpoints/NAME, or one of its files LABEL_net_G.pth")
    add("--group", action="append", default=[], metavar="NAME=DIR,DIR", help="one run by several seeds, as one row")
    add("--metrics", default="auto", help="names with commas, the deciding one first; auto: what can be had here")
    add("--fake", type=Path, metavar="DIR", help="any folder of results, such as that of scripts/translate.py, which is compared with --truth")
    add("--truth", type=Path, help="folder of truths, under the names of the inputs (default: the results' own)")
    add("--direction", choices=("AtoB", "BtoA", "both"), default="both", help="fake_B, fake_A, or what there is")
    add("--range_B", default="auto", metavar="LOW,HIGH", help="with --fake: the range of files of more than 8 bits, for l1, psnr and ssim; auto: that of the truths' values")
    add("--nodata", default="", metavar="VALUE", help="with --fake: pixels of this value, or nan, hold nothing")
    add("--unpaired", action="store_true", help="equal names are chance: compare sets only")
    add("--train", type=Path, help="data set that the runs were trained on, for the mean training image")
    add("--half", choices=("left", "right"), default="right", help="where B is in pairs of --train; for pix2pix with --direction BtoA left")
    add("--segmenter", type=Path, metavar="FILE", help="network of scripts/train_segmenter.py: how well it finds the labels in photographs made of them")
    add("--dataroot", default="", help="data set that checkpoints are tested on (default: their own)")
    add("--test_flags", default="", metavar="'FLAGS'", help="further flags for test.py when checkpoints are tested, e.g. '--eval --phase val'")
    add("--inception_weights", default="", help="file of weights for kid and fid (default: torch's cache)")
    add("--lpips_weights", default="", help="file of AlexNet's weights for lpips (default: torch's cache)")
    add_device_flags(parser, precision=False)
    add("--out", type=Path, default=Path("results/evaluation"), help="folder for the report")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
