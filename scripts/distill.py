"""A small generator that does what a trained one does: python scripts/distill.py --name maps_pix2pix --ngf 16

It learns from the teacher's outputs beside the losses that the teacher learnt from, on the same data; train.py does the
training (--model distill), and takes all further flags: --n_epochs 20, --continue_train ... Then both stand side by
side: size, multiplications, time on this CPU, quality. docs/export.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import train
from models.inference.find_generator import DIRECTIONS, find_generator
from scripts.lib.distillation.command import student_size, train_words
from scripts.lib.distillation.comparison import compared, table
from scripts.lib.exporting.pictures import pictures_of_run
from util.errors import InputError, run_command
from util.files import write_text
from util.script_parser import script_parser

REPORT = "distilled.md"


def main(argv: Sequence[str]) -> int:
    """Trains the student and compares; returns the exit status."""
    options, further = build_parser().parse_known_args(argv)
    runs = options.checkpoints_dir
    teacher = find_generator(runs / options.name, options.direction, options.epoch, options.use_ema)
    netG, ngf = student_size(teacher.flags, options.netG, options.ngf)
    student = options.student or f"{options.name}_{netG}_ngf{ngf}"
    if student == options.name:
        raise InputError(f"--student {student} is the teacher: give another name")
    words = train_words(teacher, student, netG, ngf, runs)
    words += ["--teacher_norm", options.norm_policy, *further]
    print(f"$ python train.py {' '.join(words)}", flush=True)
    if status := train.main(words):
        return status
    size = int(teacher.flags.get("crop_size", 256))
    pictures = pictures_of_run(teacher, options.phase, size, options.num_test, "see --phase")
    pair = {"teacher": teacher, "student": find_generator(runs / student)}
    report = table(
        compared(pair, pictures, options.rounds, options.norm_policy), len(pictures), size
    )
    write_text(runs / student / REPORT, report + "\n")
    print(f"\n{report}\n\nwritten to {runs / student / REPORT}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("--name", required=True, help="the teacher's run: its folder under --checkpoints_dir")
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs (default: %(default)s)")
    add("--direction", choices=DIRECTIONS, help="of a CycleGAN: which generator (default: that of training)")
    add("--epoch", default="latest", help="latest, a number, best, best_METRIC or iter_N (default: %(default)s)")
    add("--use_ema", action="store_true", help="the teacher's averaged weights")
    add("--student", default="", help="name of the student's run (default: the teacher's, with netG and ngf)")
    add("--netG", default="", help="the student's generator (default: the teacher's)")
    add("--ngf", type=int, default=0, help="the student's width (default: a quarter of the teacher's)")
    add("--norm_policy", choices=("image", "running"), default="image", help="batch norm of both by each image's own statistics, as test.py does, or by those of training, as test.py --eval; the latter is better where batches were larger than 1 (default: %(default)s)")
    add("--phase", default="test", help="split of the data set to compare on (default: %(default)s)")
    add("--num_test", type=int, default=50, help="how many images to compare on (default: %(default)s)")
    add("--rounds", type=int, default=20, help="how often an image is timed (default: %(default)s)")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
