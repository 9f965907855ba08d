"""A trained generator as a file for other programs: python scripts/export.py --name maps_pix2pix --format onnx

The file is run in its own runtime on test images and compared with the generator; the outcome is its certificate. A
README with pictures is written beside. docs/export.md says more.
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

FORMATS = ("onnx", "torchscript", "exported", "safetensors", "bioimageio")


def main(argv: Sequence[str]) -> int:
    """Exports, compares, describes; returns the exit status: 1 for a file that is not what the generator is."""
    options = build_parser().parse_args(argv)
    from scripts.lib.exporting.command import export

    return export(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add_generator_flags(parser, weights=True)
    add("--format", choices=FORMATS, default="onnx", help="kind of file; bioimageio: ONNX with a description for Fiji, ilastik and napari")
    add("--out", type=Path, help="folder of the files (default: exports/NAME, with _BtoA or so where --direction says it)")
    add("--size", type=_count, help="height and width of images (default: as trained)")
    add("--dynamic", action="store_true", help="any number and size of images, in multiples that the certificate tells")
    bits = parser.add_mutually_exclusive_group()
    bits.add_argument("--half", action="store_true", help="weights and arithmetic of 16 bits")
    bits.add_argument("--int8", action="store_true", help="convolutions of 8 bits (ONNX)")
    add("--recalibrate", action="store_true", help="measure the running statistics again before exporting")
    add("--gpu_ids", default="0", help="the GPU that --recalibrate uses, if there is one; -1 for the CPU, which does all else")
    add("--sample", type=Path, metavar="FOLDER", help="images for --recalibrate and --int8 (default: the run's training images)")
    add("--sample_size", type=_count, default=64, help="how many of them")
    add("--images", type=Path, metavar="FOLDER", help="input images to compare on (default: the run's test images)")
    add("--phase", default="test", help="split of the run's data set to compare on")
    add("--num_test", type=_count, default=8, help="how many images to compare on")
    add("--licence", default="not stated", metavar="TEXT", help="of the weights, for the README")
    add("--push_to_hub", default="", metavar="USER/REPO", help="upload the folder to the Hugging Face hub")
    # fmt: on
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 1 or more")
    return int(text)


if __name__ == "__main__":
    run_command(main)
