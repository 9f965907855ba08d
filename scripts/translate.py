"""Translates a file, a folder or a video with a trained generator:
python scripts/translate.py INPUT OUTPUT --name NAME

Results have the size of their inputs. Of a folder every image in it is translated, under the same names; what is there
already is left alone, so the same command goes on after an interruption. docs/translate.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import Translator, load_translator
from options.base_options import ALPHAS, PRECISIONS, RunOptions
from options.ranges import EIGHT_BITS
from options.test_options import TILE_MODES
from scripts.lib.translation.files import Job, is_video, listed, planned, streams, unfinished
from scripts.lib.translation.images import translate_images, translate_large_files
from scripts.lib.translation.values import values_of
from util.device import describe, select_device
from util.errors import InputError, run_command
from util.failures import explained
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Translates; returns the exit status, 1 where images could not be translated."""
    words = parser()
    options = words.parse_args(argv)
    if (options.name is None) == (options.weights is None):
        words.error("give --name NAME of a run, or --weights FILE.pth")
    paths = listed(options.input)
    t = load(options)
    if is_video(options.input):
        check_video(t)
        jobs = planned(options.input, paths, options.output, lambda path: Path(path).suffix)
    else:
        values = values_of(t, paths)
        jobs = planned(options.input, paths, options.output, partial(values.suffix, options.format))
        for target in {job.target.suffix: job.target for job in jobs}.values():
            values.format(target)  # or say now that it cannot hold the results
    left = unfinished(jobs, options.overwrite)
    if len(left) < len(jobs):
        print(f"{len(jobs) - len(left)} there already; --overwrite makes them again")
    if not left:
        return 0
    if is_video(options.input):
        return translate_one_video(t, left[0])
    large = [job for job in left if options.tile and streams(job)]
    bad = translate_large_files(t, values, large)
    bad += translate_images(t, values, [job for job in left if job not in large])
    print(f"{len(left) - len(bad)} images translated; see {options.output}")
    if bad:
        print(f"{len(bad)} images could not be translated:", *bad, sep="\n    ", file=sys.stderr)
    return 1 if bad else 0


def parser() -> argparse.ArgumentParser:
    words = script_parser(__doc__)
    add = words.add_argument
    # fmt: off
    add("input", type=Path, help="an image, a folder of images, or a video")
    add("output", type=Path, help="a file, or a folder")
    add("--name", help="run, whose checkpoints are used")
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs [checkpoints]")
    add("--weights", type=Path, metavar="FILE", help="instead of --name: weights of one generator, such as a downloaded .pth")
    add("--direction", choices=("AtoB", "BtoA"), help="default: that of training")
    add("--epoch", default="latest", help="which saved epoch: a number, latest, best, best_METRIC or iter_N [latest]")
    add("--use_ema", action="store_true", help="the averaged weights of a run trained with --ema")
    add("--running_statistics", action="store_true", help="batch norm takes those of training, not each image's own; steadier in videos")
    add("--gpu_ids", default="0", help="the GPU to use, if there is one; -1 for the CPU [0]")
    add("--precision", choices=PRECISIONS, default="auto", help="of the network's arithmetic; auto is fp32 [auto]")
    add("--batch_size", type=int, default=8, help="images of 256 x 256 that may go through at once; of larger ones fewer do [8]")
    add("--tile", type=int, default=0, metavar="N", help="computes in squares of so many pixels, to save memory; 0 = off")
    add("--tile_mode", choices=TILE_MODES, default="exact", help="exact gives what the whole image would; blend is faster [exact]")
    add("--format", choices=("auto", "png", "jpg", "tiff", "npy", "same"), default="auto", help="of results in a folder; auto: png, if that holds all values; same: as their inputs [auto]")
    add("--range_A", metavar="LOW,HIGH", help="values of input files; default: those of training, or by the type of the first file")
    add("--range_B", metavar="LOW,HIGH", help="values of results; default: those of training, or those of the inputs")
    add("--label_A", type=int, metavar="CLASSES", help="inputs are label maps with so many classes; default: as in training")
    add("--alpha", choices=ALPHAS, help="transparency: drop it, or lay images on white or black; default: as in training")
    add("--overwrite", action="store_true", help="translate again what is there already")
    # fmt: on
    return words


def load(options: argparse.Namespace) -> Translator:
    """The translator that the command line asks for. Raises: InputError."""
    place = options.weights or options.checkpoints_dir / options.name
    if not options.weights and not place.is_dir():
        raise InputError(f"there is no folder {place}: check --name and --checkpoints_dir")
    try:
        device = select_device(RunOptions(gpu_ids=options.gpu_ids).gpu_ids)
        t = load_translator(
            place,
            direction=options.direction,
            epoch=options.epoch,
            use_ema=options.use_ema,
            device=device,
            precision=options.precision,
            running_statistics=options.running_statistics,
            batch_size=options.batch_size,
            tile=options.tile,
            tile_mode=options.tile_mode,
            range_A=options.range_A,
            range_B=options.range_B,
            label_A=options.label_A,
            alpha=options.alpha,
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    print(describe(device, options.gpu_ids))
    return t


def check_video(t: Translator) -> None:
    """Raises: InputError for a generator of more than grey or colour of 8 bits."""
    if not t.units.plain or {t.input_nc, t.output_nc} - {1, 3}:
        raise InputError(
            f"videos hold colours of 8 bits; this network takes {t.input_nc} channels of {t.units.input or EIGHT_BITS} "
            f"and gives {t.output_nc} of {t.units.output or EIGHT_BITS}: use images"
        )


def translate_one_video(t: Translator, job: Job) -> int:
    from scripts.lib.translation.video import translate_video

    torch.backends.cudnn.benchmark = True  # all frames have one size
    norms = [m for m in t.generator.modules() if isinstance(m, torch.nn.InstanceNorm2d)]
    if any(norm.affine for norm in norms):
        print(
            "note: batch norm takes the statistics of each frame, which may flicker; see --running_statistics"
        )
    with explained("--batch_size"):
        count = translate_video(t, Path(job.source), job.target)
    print(f"{count} frames translated; see {job.target}")
    return 0


if __name__ == "__main__":
    run_command(main)
