"""scripts/translate.py after its flags: finds the files, opens the generator, translates."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import torch

from models.inference.translator import Translator, load_translator
from options.wording import count
from scripts.lib.generator_flags import checkpoint, print_settings, translator_arguments
from scripts.lib.translation.files import (
    FileJob,
    can_stream,
    is_video,
    list_inputs,
    plan_jobs,
    unfinished_jobs,
)
from scripts.lib.translation.images import translate_images, translate_large_files
from scripts.lib.translation.values import file_values
from util.device import describe
from util.errors import InputError, explain_out_of_memory
from util.images.large_write import STREAMED
from util.images.metadata import read_metadata


def translate(options: argparse.Namespace) -> int:
    """Translates; returns the exit status, 1 where images could not be translated."""
    paths = list_inputs(options.input)
    t = open_translator(options)
    if is_video(options.input):
        check_video(t)
        jobs = plan_jobs(options.input, paths, options.output, lambda path: Path(path).suffix)
    else:
        values = file_values(t, paths, options.pyramid)
        jobs = plan_jobs(
            options.input, paths, options.output, partial(values.suffix, options.format)
        )
        for target in {job.target.suffix: job.target for job in jobs}.values():
            values.format(target)  # or say now that it cannot hold the results
        warn_of_lost_places(jobs)
    left = unfinished_jobs(jobs, options.overwrite)
    if len(left) < len(jobs):
        print(
            f"already translated: {len(jobs) - len(left)} of {len(jobs)}; --overwrite translates them again"
        )
    if not left:
        return 0
    if is_video(options.input):
        return translate_one_video(t, left[0])
    large = [job for job in left if options.tile and can_stream(job)]
    bad = translate_large_files(t, values, large)
    bad += translate_images(t, values, [job for job in left if job not in large])
    print(f"{count(len(left) - len(bad), 'image')} translated; see {options.output}")
    if bad:
        print(
            f"{count(len(bad), 'image')} could not be translated:",
            *bad,
            sep="\n    ",
            file=sys.stderr,
        )
    return 1 if bad else 0


def warn_of_lost_places(jobs: list[FileJob]) -> None:
    """Says so where results are of a kind that cannot hold the place of the inputs, or their pixel size."""
    lossy = [job for job in jobs if job.target.suffix.lower() not in STREAMED]
    for job in lossy[:1]:
        found = read_metadata(job.source)
        if found and (found.geo or found.pixel_size):
            what = "place on the Earth" if found.geo else "pixel size"
            print(
                f"note: {job.target.suffix} files do not hold the {what} of the inputs; --format tiff does"
            )


def open_translator(options: argparse.Namespace) -> Translator:
    """Opens the generator that the command line asks for. Raises: InputError."""
    arguments = translator_arguments(options)
    try:
        t = load_translator(
            checkpoint(options),
            **arguments,
            tile=options.tile,
            tile_mode=options.tile_mode,
            range_A=options.range_A,
            range_B=options.range_B,
            label_A=options.label_A,
            label_B=options.label_B,
            nodata=options.nodata,
            alpha=options.alpha,
            page=options.page,
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    print(describe(arguments["device"], options.gpu_ids))
    print_settings(t.settings)
    return t


def check_video(t: Translator) -> None:
    """Raises: InputError for a generator of more than grey or colour of 8 bits."""
    if not (t.inputs.plain and t.outputs.plain):
        raise InputError(
            f"videos hold colours of 8 bits; this network takes {t.input_nc} channels of {t.inputs.bounds} "
            f"and gives {t.output_nc} of {t.outputs.bounds}: use images"
        )


def translate_one_video(t: Translator, job: FileJob) -> int:
    from scripts.lib.translation.video import translate_video

    torch.backends.cudnn.benchmark = True  # all frames have one size
    norms = [m for m in t.generator.modules() if isinstance(m, torch.nn.InstanceNorm2d)]
    if any(norm.affine for norm in norms):
        print(
            "note: batch norm takes the statistics of each frame, which may flicker; see --norm_policy"
        )
    with explain_out_of_memory("--batch_size"):
        frames = translate_video(t, Path(job.source), job.target)
    print(f"{count(frames, 'frame')} translated; see {job.target}")
    return 0
