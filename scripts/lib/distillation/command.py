"""The command line that trains a student as its teacher was trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.inference.find_generator import SavedGenerator
from scripts.lib.exporting.facts import direction_of
from util.errors import InputError

TAKEN = (
    *("dataroot", "dataset_mode", "preprocess", "load_size", "crop_size", "batch_size"),
    *("ndf", "netD", "n_layers_D", "gan_mode", "pool_size", "lambda_L1", "loss_reconstruction"),
    *("lambda_GAN", "lr", "beta1", "lr_policy", "n_epochs", "n_epochs_decay", "lr_decay_iters"),
    *("norm", "init_type", "init_gain", "range_A", "range_B", "label_A", "alpha"),
)
SWITCHES = ("no_flip", "serial_batches")
CHANNELS = ("input_nc", "output_nc")


def train_words(
    teacher: SavedGenerator, student: str, netG: str, ngf: int, folder: Path
) -> list[str]:
    """Flags of train.py: those of the teacher's training, but for the generator.

    Raises: InputError when the teacher has no options.json.
    """
    flags = teacher.flags
    if not flags:
        raise InputError(
            f"{teacher.path.parent} has no options.json that tells data and losses: train by "
            "train.py --model distill --teacher FILE instead"
        )
    words = ["--model", "distill", "--teacher", str(teacher.path), "--name", student]
    words += ["--checkpoints_dir", str(folder), "--netG", netG, "--ngf", str(ngf), "--no_dropout"]
    words += ["--direction", direction_of(teacher)]
    for name in TAKEN:
        if name in flags:
            words += [f"--{name}", str(flags[name])]
    for name, origin in zip(CHANNELS, _channels(teacher), strict=True):
        words += [f"--{name}", str(flags[origin])]
    return words + [f"--{name}" for name in SWITCHES if flags.get(name)]


def _channels(teacher: SavedGenerator) -> tuple[str, str]:
    """Which flags say what goes into the student and what comes out: a CycleGAN's G_B goes the other way."""
    return ("output_nc", "input_nc") if teacher.name == "G_B" else CHANNELS


def student_size(flags: Mapping[str, Any], netG: str, ngf: int) -> tuple[str, int]:
    """The student's netG and ngf: by default the teacher's, a quarter as wide."""
    return (
        netG or str(flags.get("netG", "resnet_9blocks")),
        ngf or max(1, int(flags.get("ngf", 64)) // 4),
    )
