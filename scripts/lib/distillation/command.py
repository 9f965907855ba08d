"""scripts/distill.py after its flags: trains a student as its teacher was trained, and compares both."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import train
from models.inference.find_generator import SavedGenerator, find_generator
from scripts.lib.distillation.comparison import compare_generators, format_table
from scripts.lib.exporting.pictures import pictures_of_run, trained_size
from scripts.lib.generator_flags import chosen_generator
from util.errors import InputError
from util.files import write_text

REPORT = "distilled.md"
TAKEN = (
    *("dataroot", "dataset_mode", "preprocess", "load_size", "crop_size", "batch_size"),
    *("ndf", "netD", "n_layers_D", "gan_mode", "pool_size", "lambda_L1", "loss_reconstruction"),
    *("lambda_GAN", "lr", "beta1", "lr_policy", "n_epochs", "n_epochs_decay", "lr_decay_iters"),
    *("upsample", "norm", "init_type", "init_gain", "range_A", "range_B", "label_A", "alpha"),
    "label_B",
    *("bands_A", "bands_B", "nodata", "page"),
)
SWITCHES = ("no_flip", "serial_batches")
CHANNELS = ("input_nc", "output_nc")


def distill(options: argparse.Namespace, further: Sequence[str]) -> int:
    """Trains the student, with further flags of train.py, and compares; returns the exit status."""
    runs = options.checkpoints_dir
    teacher = chosen_generator(options)
    netG, ngf = student_size(teacher.flags, options.netG, options.ngf)
    student = options.student or f"{options.name}_{netG}_ngf{ngf}"
    if student == options.name:
        raise InputError(f"--student {student} is the teacher: give another name")
    words = train_words(teacher, student, netG, ngf, runs)
    words += ["--teacher_norm", options.norm_policy, *further]
    print(f"$ python train.py {shlex.join(words)}", flush=True)
    if status := train.main(words):
        return status
    size = trained_size(teacher.flags)
    pictures = pictures_of_run(teacher, options.phase, size, options.num_test, "see --phase")
    pair = {"teacher": teacher, "student": find_generator(runs / student)}
    report = format_table(
        compare_generators(pair, pictures, options.rounds, options.norm_policy), len(pictures), size
    )
    write_text(runs / student / REPORT, report + "\n")
    print(f"\n{report}\n\nwritten to {runs / student / REPORT}")
    return 0


def train_words(
    teacher: SavedGenerator, student: str, netG: str, ngf: int, folder: Path
) -> list[str]:
    """Flags of train.py: those of the teacher's training, but for the generator.

    Raises: InputError when the teacher has no options.json.
    """
    flags = teacher.flags
    if not flags:
        raise InputError(
            f"{teacher.path.parent} has no options.json with its data and losses: train by "
            "train.py --model distill --teacher FILE instead"
        )
    words = ["--model", "distill", "--teacher", str(teacher.path), "--name", student]
    words += ["--checkpoints_dir", str(folder), "--netG", netG, "--ngf", str(ngf), "--no_dropout"]
    words += ["--direction", teacher.direction]
    for name in TAKEN:
        if flags.get(name, "") != "":
            words += [f"--{name}", str(flags[name])]
    for name, origin in zip(CHANNELS, _channels(teacher), strict=True):
        words += [f"--{name}", str(flags[origin])]
    return words + [f"--{name}" for name in SWITCHES if flags.get(name)]


def _channels(teacher: SavedGenerator) -> tuple[str, str]:
    """Names the flags that say how many channels go into the student and come out: a CycleGAN's G_B goes the other way."""
    return ("output_nc", "input_nc") if teacher.name == "G_B" else CHANNELS


def student_size(flags: Mapping[str, Any], netG: str, ngf: int) -> tuple[str, int]:
    """Returns the student's netG and ngf: by default the teacher's, a quarter as wide."""
    quarter = max(1, int(flags.get("ngf", 64)) // 4)
    return netG or str(flags.get("netG", "resnet_9blocks")), ngf or quarter
