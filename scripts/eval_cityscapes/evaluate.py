"""Scores translations against true label maps: pixel accuracy, class accuracy and class IoU.

Photographs made from labels are labelled by your segmentation network:
    python scripts/eval_cityscapes/evaluate.py --cityscapes_dir DIR --result_dir DIR --output_dir DIR --weights FILE
Label maps made from photographs are labelled by their colours:
    python scripts/eval_cityscapes/evaluate.py --cityscapes_dir DIR --result_dir DIR --output_dir DIR --label_maps
Other data sets: --truth_dir in place of --cityscapes_dir, and --palette. See docs/cityscapes.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.errors import run_command
from util.script_parser import script_parser

ARCHITECTURES = (
    "fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Scores the results; returns the exit status."""
    options = parse(argv)
    from scripts.eval_cityscapes.scoring import score_results

    return score_results(options)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    words = script_parser(__doc__)
    truth = words.add_mutually_exclusive_group(required=True)
    truth.add_argument("--cityscapes_dir", type=Path, help="holds gtFine/<split>/<city>/*.png")
    truth.add_argument("--truth_dir", type=Path, help="true label maps of any other data set")
    words.add_argument("--result_dir", type=Path, required=True, help="results of test.py")
    words.add_argument("--output_dir", type=Path, required=True, help="where scores are written")
    words.add_argument("--split", default="val", help="of Cityscapes")
    words.add_argument(
        "--label_maps", action="store_true", help="results are label maps: go by their colours"
    )
    words.add_argument("--weights", type=Path, help="results are photos: the network's state dict")
    words.add_argument("--architecture", choices=ARCHITECTURES, default="fcn_resnet50")
    words.add_argument("--num_classes", type=int, help="of the network (default: the palette's)")
    words.add_argument("--palette", type=Path, help="classes and colours, .json or .csv")
    words.add_argument("--result_label", default="fake_B", help="results are NAME_<this>.png")
    words.add_argument("--truth_label", default="real_B", help="the same, for --truth_dir")
    words.add_argument(
        "--allow_missing", action="store_true", help="scores the images that have a result"
    )
    words.add_argument("--gpu_id", type=int, default=0, help="-1 is the CPU")
    words.add_argument(
        "--save_output_images", type=int, nargs="?", const=1, default=0, help="1: labels as images"
    )
    words.add_argument("--caffemodel_dir", help="not used any more: see --weights")
    return words.parse_args(argv)


if __name__ == "__main__":
    run_command(main)
