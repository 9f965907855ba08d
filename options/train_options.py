"""The options of train.py."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from options.base_options import (
    DataOptions,
    LogOptions,
    ModelOptions,
    RunOptions,
    at_least,
    plain_name,
)
from options.flags import flag, flat
from options.metrics import METRICS
from options.parsing import CommandLine, CommandOptions
from options.saved import OPTIONS_FILE, dump_options
from options.types import count_or_inf, path

COMMON = (
    "dataroot", "name", "model", "dataset_mode", "direction", "gpu_ids", "batch_size",
    "load_size", "crop_size", "preprocess", "netG", "n_epochs", "n_epochs_decay", "lr",
    "val_freq", "continue_train", "init_from", "recipe", "num_threads", "display_id",
)  # fmt: skip
DESCRIPTION = """\
Trains pix2pix, CycleGAN or a model of yours. Pages show it while it trains:
http://localhost:8097 and checkpoints/NAME/web/index.html.

images in pairs, and images of two kinds without pairs:
  python train.py --dataroot datasets/facades --name faces --model pix2pix
  python train.py --dataroot datasets/maps --name maps --model cycle_gan
A run that was stopped goes on by the same command with --continue_train."""
LR_POLICIES = ("linear", "step", "plateau", "cosine")


def ema_memory(text: str) -> float | str:
    """Reads --ema: a share such as "5%" stays text, all else is a number. Raises: argparse's error for neither."""
    number = text.strip().removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    share = text.strip().endswith("%")
    if not (0 < value < 100 if share else 0 <= value < math.inf and value != 1):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a decay such as 0.999, nor a half-life such as 5% or 10000 images, nor 0"
        )
    return f"{value:g}%" if share else value


@dataclass(frozen=True)
class OptimOptions:
    """How long and how fast it learns."""

    n_epochs: int = flag(100, "epochs at the initial learning rate")
    n_epochs_decay: int = flag(100, "epochs over which it then falls linearly towards zero")
    beta1: float = flag(0.5, "first momentum of Adam")
    beta2: float = flag(0.999, "second momentum of Adam")
    lr: float = flag(0.0002, "initial learning rate of Adam")
    scale_lr: bool = flag(
        False, "several GPUs: multiply --lr by the square root of the number of processes"
    )
    lr_policy: str = flag("linear", "learning rate schedule", choices=LR_POLICIES)
    lr_decay_iters: int = flag(50, "with --lr_policy step: epochs between divisions by ten")
    ema: float | str = flag(
        0.0,
        "average the generators' weights over time: 5% of the run or 10000 images as half-life, or 0.999 as decay "
        "per step; 0 = off",
        parse=ema_memory,
        metavar="MEMORY",
    )
    continue_train: bool = flag(False, "continue the run of this name where it was last saved")
    epoch_count: int = flag(1, "number of the first epoch")
    init_from: str = flag(
        "",
        "start a new run from the weights in this folder of checkpoints or .pth file",
        parse=path,
        metavar="PATH",
    )

    def __post_init__(self) -> None:
        at_least(0, n_epochs=self.n_epochs, n_epochs_decay=self.n_epochs_decay, lr=self.lr)
        at_least(1, epoch_count=self.epoch_count, lr_decay_iters=self.lr_decay_iters)
        for name, momentum in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= momentum < 1:
                raise ValueError(f"--{name} {momentum} must be at least 0 and less than 1")
        if self.epoch_count > self.last_epoch:
            raise ValueError(
                f"--epoch_count {self.epoch_count} lies after the last epoch, "
                f"--n_epochs {self.n_epochs} + --n_epochs_decay {self.n_epochs_decay} = {self.last_epoch}: "
                "nothing would be trained"
            )

    @property
    def last_epoch(self) -> int:
        return self.n_epochs + self.n_epochs_decay


@dataclass(frozen=True)
class SaveOptions:
    """When checkpoints are written."""

    save_latest_freq: int = flag(5000, "save latest every this many images")
    save_epoch_freq: int = flag(5, "save latest and <epoch> every this many epochs")
    save_by_iter: bool = flag(False, "saves within an epoch are named iter_N instead of latest")
    keep_epochs: int = flag(0, "numbered checkpoints to keep, older ones are removed; 0 = all")

    def __post_init__(self) -> None:
        at_least(0, keep_epochs=self.keep_epochs)
        at_least(1, save_latest_freq=self.save_latest_freq, save_epoch_freq=self.save_epoch_freq)


@dataclass(frozen=True)
class ValidationOptions:
    """Measuring on images that are not learnt from."""

    val_freq: int = flag(0, "measure --val_metrics every this many epochs; 0 = off")
    val_phase: str = flag("val", "split of the data set that is measured", metavar="NAME")
    val_metrics: str = flag(
        "l1,psnr", "what is measured, the first one decides (docs/evaluation.md)", metavar="LIST"
    )
    val_images: float = flag(
        math.inf, "measure on at most this many images", parse=count_or_inf, metavar="N"
    )
    early_stop: int = flag(
        0, "stop after this many measurements in a row without a new best; 0 = off"
    )

    def __post_init__(self) -> None:
        at_least(0, val_freq=self.val_freq, early_stop=self.early_stop)
        at_least(1, math.inf, val_images=self.val_images)
        plain_name("val_phase", self.val_phase)
        names = [name.strip() for name in self.val_metrics.split(",")]
        if unknown := [name for name in names if name not in METRICS]:
            raise ValueError(f"--val_metrics {unknown[0]!r}: choose from {', '.join(METRICS)}")
        if self.early_stop and not self.val_freq:
            raise ValueError(
                "--early_stop counts measurements without a new best, so it needs --val_freq"
            )


@dataclass(frozen=True)
class TrainOptions(CommandOptions):
    """All flags of a training run.

    explicit: names of the flags that stood on the command line.
    """

    phase = "train"

    run: RunOptions
    data: DataOptions
    model: ModelOptions
    optim: OptimOptions
    val: ValidationOptions
    save: SaveOptions
    log: LogOptions
    defaults: dict[str, Any]
    explicit: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, argv: Sequence[str]) -> TrainOptions:
        """Reads the command line; with --continue_train, the run's saved flags come before the defaults."""
        line = CommandLine(cls.groups(), phase=cls.phase, common=COMMON, description=DESCRIPTION)
        seen, explicit = line.look(argv)
        file, saved = Path(seen["checkpoints_dir"]) / seen["name"] / OPTIONS_FILE, {}
        # os.path: False also for names that are too long
        if seen["continue_train"] and os.path.exists(file):
            saved = line.read(file)
            asked = seen["model"]
            if "model" in explicit and saved.get("model", asked) != asked:
                line.refuse(
                    f"--continue_train: {file.parent} was trained with --model {saved['model']}, not {asked}"
                )
        parsed = line.parse(argv, saved)
        return cls(**parsed.groups, defaults=parsed.defaults, explicit=parsed.explicit)

    def learning(self) -> dict[str, Any]:
        """Collects flag name -> value, of those that decide what is learned."""
        inert = {"num_threads", "bad_images", "cache", "continue_train", "epoch_count", "init_from"}
        values = flat("train", self.data, self.model, self.optim)
        run = self.run
        values |= {"seed": run.seed, "phase": run.phase, "precision": run.precision}
        return {name: value for name, value in values.items() if name not in inert}

    def json(self) -> str:
        return dump_options({**self.values(), "isTrain": True})
