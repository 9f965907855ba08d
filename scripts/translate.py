"""Translates a file, a folder or a video with a trained generator:
python scripts/translate.py INPUT OUTPUT --name NAME

Results have the size of their inputs. Of a folder every image in it is translated, under the same names; what is there
already is left alone, so the same command goes on after an interruption. docs/translate.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.image_reader import BadImage, read_image
from models import Translator, load_translator
from options.base_options import PRECISIONS, RunOptions
from scripts.translation.files import Job, is_video, planned, save_picture, unfinished
from util.device import describe, select_device
from util.errors import InputError, run_command
from util.failures import explained
from util.images import to_uint8
from util.script_parser import script_parser

AHEAD = 4  # images that wait for the network, and as many for the disk; they may be large


def main(argv: Sequence[str]) -> int:
    """Translates; returns the exit status, 1 where images could not be read."""
    words = parser()
    options = words.parse_args(argv)
    if (options.name is None) == (options.weights is None):
        words.error("give --name NAME of a run, or --weights FILE.pth")
    jobs = planned(options.input, options.output, options.format)
    left = unfinished(jobs, options.overwrite)
    if len(left) < len(jobs):
        print(f"{len(jobs) - len(left)} there already; --overwrite makes them again")
    if not left:
        return 0
    t = load(options)
    if is_video(left[0].source):
        return translate_one_video(t, left[0])
    bad = translate_images(t, left)
    print(f"{len(left) - len(bad)} images translated; see {options.output}")
    if bad:
        print(f"{len(bad)} images could not be read:", *bad, sep="\n    ", file=sys.stderr)
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
    add("--format", choices=("png", "jpg", "same"), default="png", help="of pictures in a folder; same: as their inputs [png]")
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
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    for name, channels in (("takes", t.input_nc), ("gives", t.output_nc)):
        if channels not in (1, 3):
            raise InputError(
                f"{place} {name} {channels} channels, image files have 1 or 3: use load_translator with arrays"
            )
    print(describe(device, options.gpu_ids))
    return t


def translate_one_video(t: Translator, job: Job) -> int:
    from scripts.translation.video import translate_video

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


def translate_images(t: Translator, jobs: Sequence[Job]) -> list[BadImage]:
    """Translates and writes all that can be read; returns what cannot."""
    bad: list[BadImage] = []
    started: deque[Job] = deque()
    saving: deque[Future[None]] = deque()
    with (
        explained("--batch_size"),
        ThreadPoolExecutor(2) as pool,
        tqdm(total=len(jobs), unit="img", leave=False, disable=None) as bar,
    ):

        def read(job: Job) -> torch.Tensor | BadImage:
            try:
                return read_image(job.source, t.input_nc)
            except BadImage as error:
                return error

        def images() -> Iterator[torch.Tensor]:
            for job, image in zip(jobs, ahead(pool, read, jobs), strict=True):
                if isinstance(image, BadImage):
                    bad.append(image)
                    bar.update()
                else:
                    started.append(job)
                    yield image / 127.5 - 1

        for result in t.stream(images()):
            saving.append(pool.submit(save_picture, started.popleft().target, to_uint8(result)))
            if len(saving) > AHEAD:
                saving.popleft().result()
            bar.update()
        for future in saving:
            future.result()
    return bad


def ahead(
    pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[Any]:
    """function(item) for all items in order, a few of them computed before they are asked for."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


if __name__ == "__main__":
    run_command(main)
