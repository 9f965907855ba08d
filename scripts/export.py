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

from models.inference.find_generator import DIRECTIONS, SavedGenerator, find_generator, units_of
from scripts.lib.exporting.card import write_card
from scripts.lib.exporting.facts import facts_of
from scripts.lib.exporting.generator import Exportable, open_generator
from scripts.lib.exporting.hub import require_hub, upload
from scripts.lib.exporting.pictures import Picture, pictures_in, pictures_of_run
from scripts.lib.exporting.writing import CERTIFICATE, FORMATS, Written, write_checked
from util.errors import InputError, run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Exports, compares, describes; returns the exit status: 1 for a file that is not what the generator is."""
    options = build_parser().parse_args(argv)
    precision = "half" if options.half else "int8" if options.int8 else "fp32"
    form = FORMATS[options.format]
    if precision not in form.precisions:
        raise InputError(
            f"--{precision} is not for --format {options.format}: it has {', '.join(form.precisions)}"
        )
    if options.push_to_hub:
        require_hub(options.push_to_hub)
    place = options.weights or Path(options.checkpoints_dir, options.name)
    name = options.name or options.weights.stem
    saved = find_generator(place, options.direction, options.epoch, options.use_ema)
    out = options.out or Path(
        "exports", f"{name}_{options.direction}" if options.direction else name
    )

    size = options.size or int(saved.flags.get("crop_size", 256))
    exportable = open_generator(saved, options.norm_policy)
    check_size(exportable, size)
    channels, sample = exportable.input_nc, []
    if options.recalibrate or precision == "int8":
        pictures = find_pictures(
            saved, "--sample", options.sample, "train", channels, size, options.sample_size
        )
        sample = [picture.image for picture in pictures]
    if options.recalibrate:
        exportable = open_generator(saved, options.norm_policy, sample)
    pictures = find_pictures(
        saved, "--images", options.images, options.phase, channels, size, options.num_test
    )

    facts = facts_of(exportable, saved, name, size, options.dynamic, precision)
    written = write_checked(options.format, exportable, facts, pictures, out, sample)
    tell(written)
    if not written.certificate["passed"]:
        return 1
    card = write_card(
        out, written, pictures, place if place.is_dir() else place.parent, options.licence
    )
    print(f"described in {card}")
    if options.push_to_hub:
        print(f"uploaded to {upload(out, options.push_to_hub)}")
    return 0


def find_pictures(
    saved: SavedGenerator,
    flag: str,
    folder: Path | None,
    phase: str,
    channels: int,
    size: int,
    most: int,
) -> list[Picture]:
    """Those of the folder, or else of the run's own data set."""
    if folder is None:
        remedy = f"give a folder of input images by {flag}"
        return pictures_of_run(saved, phase, size, most, remedy)
    return pictures_in(folder, channels, size, most, units_of(saved))


def check_size(exportable: Exportable, size: int) -> None:
    """Raises: InputError when images of that size do not go through the generator."""
    multiple, least = exportable.multiple, exportable.smallest
    if size % multiple or size < least:
        fitting = max(least, round(size / multiple) * multiple)
        raise InputError(
            f"--size {size} does not fit this generator, whose images have sides that are multiples of {multiple}, "
            f"and {least} or more: use {fitting}"
        )


def tell(written: Written) -> None:
    """The verdict, for the console."""
    proof = written.certificate
    print(f"{written.path}: {proof['bytes'] / 1e6:.1f} MB, sha256 {proof['sha256'][:16]}...")
    print(
        f"compared on {proof['inputs']} inputs in {proof['runtime']}: largest difference {proof['max']:.4f} grey levels, "
        f"mean {proof['mean']:.5f}; {proof['changed_8_bits']:.3%} of 8-bit values differ"
    )
    if not proof["within_limit"]:
        verdict = "this is unusual, look at the pictures" if proof["passed"] else "FAILED"
        print(
            f"{verdict}: more than {proof['limit']:g} grey levels ({written.path.name}{CERTIFICATE})"
        )


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--name", default="", help="the run: its folder under --checkpoints_dir")
    source.add_argument("--weights", type=Path, metavar="FILE", help="one generator's weights, such as a downloaded latest_net_G.pth")
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs (default: %(default)s)")
    add("--direction", choices=DIRECTIONS, help="of a CycleGAN: which generator (default: that of training)")
    add("--epoch", default="latest", help="latest, a number, best, best_METRIC or iter_N (default: %(default)s)")
    add("--use_ema", action="store_true", help="the averaged weights of a run trained with --ema")
    add("--format", choices=tuple(FORMATS), default="onnx", help="(default: %(default)s)")
    add("--out", type=Path, help="folder of the files (default: exports/NAME, with _BtoA or so where --direction says it)")
    add("--size", type=_count, help="height and width of images (default: as trained)")
    add("--dynamic", action="store_true", help="any number and size of images, in multiples that the certificate tells")
    bits = parser.add_mutually_exclusive_group()
    bits.add_argument("--half", action="store_true", help="weights and arithmetic of 16 bits")
    bits.add_argument("--int8", action="store_true", help="convolutions of 8 bits (ONNX)")
    add("--norm_policy", choices=("image", "running"), default="image", help="batch norm by each image's own statistics, as test.py does, or by running ones, as test.py --eval (default: %(default)s)")
    add("--recalibrate", action="store_true", help="measure the running statistics again before exporting")
    add("--sample", type=Path, metavar="FOLDER", help="images for --recalibrate and --int8 (default: the run's training images)")
    add("--sample_size", type=_count, default=64, help="how many of them (default: %(default)s)")
    add("--images", type=Path, metavar="FOLDER", help="input images to compare on (default: the run's test images)")
    add("--phase", default="test", help="split of the run's data set to compare on (default: %(default)s)")
    add("--num_test", type=_count, default=8, help="how many images to compare on (default: %(default)s)")
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
