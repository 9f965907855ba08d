"""A page that translates in the browser, by a trained generator: python scripts/make_web_demo.py --name N --out DIR

Draw, or take a photo or the camera's picture. DIR is complete: put it on any web server, or try it by
python -m http.server --directory DIR. See docs/deploy.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "datasets"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.inference.find_generator import DIRECTIONS, SavedGenerator, find_generator
from scripts.export import check_size, find_pictures
from scripts.lib.exporting.facts import facts_of
from scripts.lib.exporting.generator import Exportable, open_generator
from scripts.lib.exporting.pictures import Picture
from scripts.lib.exporting.writing import Written, write_checked
from scripts.lib.web_demo.palette import palette
from scripts.lib.web_demo.runtime import runtime_files
from scripts.lib.web_demo.writing import Demo, write_demo
from util.errors import InputError, run_command
from util.files import make_folder
from util.images import to_uint8
from util.script_parser import script_parser

PLAIN = ["#ffffff", "#000000", "#d62828", "#2a9d3a", "#2455c3", "#f4c20d"]
COLOURED = 24  # training images that the palette is taken from
HEAVY = 64e6  # bytes of a network that a phone may not want to fetch


def main(argv: Sequence[str]) -> int:
    """Writes the page; returns the exit status."""
    options = build_parser().parse_args(argv)
    run = Path(options.checkpoints_dir, options.name)
    saved = find_generator(run, options.direction, options.epoch, options.use_ema)
    exportable = open_generator(saved, options.norm_policy)
    check_channels(exportable)
    size = options.size or int(saved.flags.get("crop_size", 256))
    check_size(exportable, size)
    inputs = samples(options, saved, exportable.input_nc, size)
    colours = training_palette(options, saved, exportable.input_nc, size) if inputs else PLAIN
    runtime = runtime_files(options.cache)

    out = make_folder(options.out)
    facts = facts_of(exportable, saved, options.name, size, False, "fp32")
    written = write_checked("onnx", exportable, facts, inputs or [noise(exportable, size)], out)
    check_passed(written)
    pictures = {f"sample{number}.png": shown(one.image) for number, one in enumerate(inputs)}
    demo = Demo(
        title=options.title or options.name,
        size=size,
        input_nc=exportable.input_nc,
        output_nc=exportable.translator.output_nc,
        palette=colours,
        samples=list(pictures),
        check="check.png" if inputs else "",
        network=written.path.name,
        bytes=written.certificate["bytes"],
    )
    if inputs:
        pictures["check.png"] = exportable.translator(shown(inputs[0].image)).convert("RGB")
    write_demo(out, demo, runtime, pictures)
    print(f"{out}: a page for {size} x {size} pixels; the network has {demo.bytes / 1e6:.1f} MB")
    if demo.bytes > HEAVY:
        print(
            "note: that is much for a phone; a generator with a smaller --ngf loads and computes faster"
        )
    print(f"try it: python -m http.server --bind 127.0.0.1 --directory {out}")
    return 0


def check_channels(exportable: Exportable) -> None:
    channels = exportable.input_nc, exportable.translator.output_nc
    if not {*channels} <= {1, 3}:
        raise InputError(
            f"this network translates {channels[0]} channels into {channels[1]}; a page has pictures of 1 or 3"
        )
    if not exportable.translator.units.plain:
        raise InputError(
            "this network was trained on values that pictures of 8 bits do not hold; a page draws in these"
        )


def check_passed(written: Written) -> None:
    if not written.certificate["passed"]:
        raise InputError(
            f"{written.path} differs from the generator by {written.certificate['max']:.1f} grey levels: no page is made of it"
        )


def samples(
    options: argparse.Namespace, saved: SavedGenerator, channels: int, size: int
) -> list[Picture]:
    """Inputs to start from, not all from the beginning of the split, where neighbours may be alike."""
    if not options.samples:
        return []
    found = find_pictures(
        saved, "--images", options.images, options.phase, channels, size, 5 * options.samples
    )
    return found[:: -(-len(found) // options.samples)]


def training_palette(
    options: argparse.Namespace, saved: SavedGenerator, channels: int, size: int
) -> list[str]:
    """Of training images; of the samples' split where these are not there."""
    try:
        found = find_pictures(saved, "--images", options.images, "train", channels, size, COLOURED)
    except InputError:
        found = find_pictures(saved, "--images", None, options.phase, channels, size, COLOURED)
    return palette([shown(one.image) for one in found])


def shown(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(to_uint8(image)[0]).convert("RGB")


def noise(exportable: Exportable, size: int) -> Picture:
    """What the exported file is compared on where there are no samples."""
    return Picture("noise", torch.rand(1, exportable.input_nc, size, size) * 2 - 1)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("--name", required=True, help="of the run: the folder in --checkpoints_dir")
    add("--out", required=True, type=Path, help="folder for the page")
    add("--checkpoints_dir", default="./checkpoints", help="folder of the runs")
    add("--direction", choices=DIRECTIONS, help="default: that of training")
    add("--epoch", default="latest", help="latest, a number, iter_N, or best")
    add("--use_ema", action="store_true", help="the averaged weights of --ema")
    add("--norm_policy", choices=("image", "running"), default="image", help="batch norm by each image's own statistics, as test.py does, or by those of training, as test.py --eval")
    add("--size", type=int, help="pixels, both ways (default: --crop_size of training)")
    add("--title", help="of the page (default: the run's name)")
    add("--samples", type=int, default=6, help="inputs to start from; 0 = none")
    add("--phase", default="test", help="the split that samples are from")
    add("--images", type=Path, help="folder of inputs, in place of the run's own data set")
    add("--cache", type=Path, default="./datasets/.cache", help="folder that keeps onnxruntime-web")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
