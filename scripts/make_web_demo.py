"""A page that translates in the browser, by a trained generator: python scripts/make_web_demo.py --name N --out DIR

Draw, or take a photo or the camera's picture. DIR is complete: put it on any web server, or try it by
python -m http.server --directory DIR. See docs/deploy.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "datasets")]

from models.saved_generators import find_generator
from models.translator import Translator, load_translator
from scripts.web_demo.inputs import input_pictures, palette
from scripts.web_demo.network import write_onnx
from scripts.web_demo.runtime import runtime_files
from scripts.web_demo.writing import Demo, write_demo
from util.errors import InputError, run_command
from util.files import make_folder

PLAIN = ["#ffffff", "#000000", "#d62828", "#2a9d3a", "#2455c3", "#f4c20d"]
HEAVY = 64e6  # bytes of a network that a phone may not want to fetch


def main(argv: Sequence[str]) -> int:
    """Writes the page; returns the exit status."""
    options = build_parser().parse_args(argv)
    run = Path(options.checkpoints_dir) / options.name
    saved = find_generator(run, options.direction, options.epoch, options.use_ema)
    translator = load_translator(
        run,
        direction=options.direction,
        epoch=options.epoch,
        use_ema=options.use_ema,
        device="cpu",
        running_statistics=options.running_statistics,
    )
    size = options.size or int(saved.flags.get("crop_size", 256))
    check_network(translator, size)
    samples, colours = starting_points(options, run, saved.name, saved.flags, size)
    runtime = runtime_files(options.cache)
    out = make_folder(options.out)
    write_onnx(translator, size, out / "model.onnx")
    pictures = {f"sample{number}.png": one for number, one in enumerate(samples)}
    demo = Demo(
        title=options.title or options.name,
        size=size,
        input_nc=translator.input_nc,
        output_nc=translator.output_nc,
        palette=colours,
        samples=list(pictures),
        check="check.png" if samples else "",
        bytes=(out / "model.onnx").stat().st_size,
    )
    if samples:
        pictures["check.png"] = translator(samples[0]).convert("RGB")
    write_demo(out, demo, runtime, pictures)
    print(f"{out}: the network has {demo.bytes / 1e6:.1f} MB, for {size} x {size} pixels")
    if demo.bytes > HEAVY:
        print("note: that is much to fetch and slow to compute with on a phone; train with a smaller --ngf")
    print(f"try it: python -m http.server --bind 127.0.0.1 --directory {out}")
    return 0


def check_network(translator: Translator, size: int) -> None:
    """Raises: InputError when pages have no such pictures, or the network no such size."""
    channels = (translator.input_nc, translator.output_nc)
    if not {*channels} <= {1, 3}:
        raise InputError(f"this network translates {channels[0]} channels into {channels[1]}; a page has pictures of 1 or 3")
    multiple = int(getattr(translator.generator, "size_multiple", 1))
    least = int(getattr(translator.generator, "smallest_input", multiple))
    if size % multiple or size < least:
        near = max(least, round(size / multiple) * multiple)
        raise InputError(f"this network takes sizes that are multiples of {multiple}, from {least} on, not {size}: give --size {near}")


def starting_points(
    options: argparse.Namespace, run: Path, network: str, flags: Mapping[str, Any], size: int
) -> tuple[list[Image.Image], list[str]]:
    """Samples, and the palette: of the training images, or the samples where these are not there."""
    if not options.samples:
        return [], PLAIN
    where = ["--name", run.name, "--checkpoints_dir", str(run.parent), "--num_threads", "0"]
    side = "B" if network == "G_B" else "A"
    if options.images:
        where += ["--model", "test", "--dataset_mode", "single", "--dataroot", options.images]
        side = "A"
    elif flags.get("dataroot"):
        where += ["--model", flags["model"], "--dataroot", flags["dataroot"]]
    else:
        raise InputError(f"{run} does not tell its data set: give --images FOLDER with inputs, or --samples 0")
    try:
        samples = input_pictures(where, side, options.phase, size, options.samples)
    except InputError as error:
        raise InputError(f"{error}\nGive --images FOLDER with inputs to start from, or --samples 0.") from None
    try:
        training = samples if options.images else input_pictures(where, side, "train", size, 24)
    except InputError:
        training = samples
    return samples, palette(training)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", required=True, help="of the run: the folder in --checkpoints_dir")
    parser.add_argument("--out", required=True, type=Path, help="folder for the page")
    parser.add_argument("--checkpoints_dir", default="./checkpoints", help="folder of the runs")
    parser.add_argument("--direction", choices=("AtoB", "BtoA"), help="default: that of training")
    parser.add_argument("--epoch", default="latest", help="latest, a number, iter_N, or best")
    parser.add_argument("--use_ema", action="store_true", help="the averaged weights of --ema")
    parser.add_argument(
        "--running_statistics",
        action="store_true",
        help="batch norm takes those of training (test.py --eval), not each image's own",
    )
    parser.add_argument("--size", type=int, help="pixels, both ways (default: --crop_size of training)")
    parser.add_argument("--title", help="of the page (default: the run's name)")
    parser.add_argument("--samples", type=int, default=6, help="inputs to start from; 0 = none")
    parser.add_argument("--phase", default="test", help="the split that samples are from")
    parser.add_argument("--images", help="folder of inputs, in place of the run's own data set")
    parser.add_argument(
        "--cache", type=Path, default="./datasets/.cache", help="folder that keeps onnxruntime-web"
    )
    return parser


if __name__ == "__main__":
    run_command(main)
