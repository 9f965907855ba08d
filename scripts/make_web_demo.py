"""A page that translates in the browser, by a trained generator: python scripts/make_web_demo.py --name N --out DIR

Draw, or take a photo or the camera's picture. DIR is complete: put it on any web server, or try it by
python -m http.server --directory DIR. See docs/deploy.md.
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
    """Writes the page; returns the exit status."""
    options = build_parser().parse_args(argv)
    from scripts.lib.web_demo.command import make_web_demo

    return make_web_demo(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add_generator_flags(parser)
    add("--out", required=True, type=Path, help="folder for the page")
    add("--size", type=int, help="pixels, both ways (default: --crop_size of training)")
    add("--title", help="of the page (default: the run's name)")
    add("--about", default="Draw in the picture on the left, and a neural network translates it.", help="sentence below the title")
    add("--input_label", default="Input", help="heading of the input")
    add("--output_label", default="Output", help="heading of the output")
    add("--samples", type=int, default=6, help="inputs to start from; 0 = none")
    add("--phase", default="test", help="the split that samples are from")
    add("--images", type=Path, help="folder of inputs, in place of the run's own data set")
    add("--credits", default="", help="whose data the network has learnt from; stands below the page")
    add("--licence", type=Path, help="text file, such as a data set's LICENSE.txt, that the page offers with the runtime's licence")
    add("--palette", default="", metavar="COLOURS", help="to draw with, such as '#ffffff,#d62828', the background first (default: those of the training images)")
    add("--half", action="store_true", help="round weights to 16 bits: half the download of the network")
    add("--no_webgpu", dest="webgpu", action="store_false", help="leave out the runtime for graphics cards, 7 MB: enough for a small network")
    add("--cache", type=Path, default=Path("datasets/.cache"), help="folder that keeps onnxruntime-web")
    add("--gpu_ids", help=argparse.SUPPRESS)  # as other scripts have it; the page is made on the CPU
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
