"""Every flag of every model and data set with values that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bad_inputs.kind import BadInput
from data import DATASETS, dataset_options
from models import MODELS, model_options
from options.flags import flags_of
from options.test_options import TestOptions
from options.train_options import TrainOptions

HUGE = "9" * 40
NUMBERS = ("x", "", "nan", "-1", HUGE, "1e999", "0x10", "1;2", "--", "½")
TEXTS = ("", "../x", "a/b", "\x00", "nan", "-1", HUGE, "a\nb")
# Values that are meant: what is off, numbers that may be negative, and anything where text is free.
NEGATIVE = {"display_id", "gpu_ids"}
ANY_COUNT = {"max_dataset_size", "num_test", "val_images", "display_id", "tile"}
FREE = {
    *("checkpoints_dir", "results_dir", "dataroot", "suffix", "model_suffix", "display_server"),
    *("display_env", "wandb_project_name", "init_from", "cache", "teacher"),
}
NAMES = {"name", "phase", "val_phase"}  # any text that can name one folder
LATER = {"netG", "netD", "nce_layers"}  # checked when the networks are built
ACCEPTED = {
    ("epoch", HUGE),
    ("gpu_ids", HUGE),
    ("ema", HUGE),
    ("normD", ""),
    ("diffaugment", ""),
    *((name, value) for name in ("bands_A", "bands_B") for value in ("", HUGE)),
    *(("nodata", value) for value in ("", "nan", "-1", HUGE)),
    ("page", ""),
    ("augment", ""),
    ("vgg_weights", ""),
    *((name, HUGE) for name in ANY_COUNT),
}


def accepted(name: str, value: str) -> bool:
    """Whether the value passes for the flag."""
    if name in FREE or name in LATER or (name, value) in ACCEPTED:
        return True
    if name in NAMES:
        return value in ("nan", "-1", HUGE)
    return value == "-1" and name in NEGATIVE


def kinds_of(phase: str, options: Any) -> Iterator[BadInput]:
    """One kind for each flag that exists in the phase and each value."""
    seen: set[str] = set()
    for model in MODELS:
        for dataset in DATASETS:
            groups = {
                **options.groups(),
                "model": model_options(model),
                "data": dataset_options(dataset),
            }
            chosen = [f"--model={model}", f"--dataset_mode={dataset}"]
            for group in groups.values():
                for name, meta in flags_of(group).items():
                    if name not in seen and meta["only"] in ("", phase):
                        seen.add(name)
                        yield from kinds_of_flag(phase, options, chosen, name, meta["default"])


def kinds_of_flag(
    phase: str, options: Any, chosen: list[str], name: str, default: Any
) -> Iterator[BadInput]:
    given = ["--dataroot=D", *chosen]
    if isinstance(default, bool):
        yield BadInput(
            "flag", f"{phase}: --{name}=x", parsing(options, [*given, f"--{name}=x"]), f"--{name}"
        )
        return
    for value in TEXTS if isinstance(default, str) else NUMBERS:
        says = "" if accepted(name, value) else f"--{name}"
        if name == "suffix" and value not in ("", "nan", "-1", HUGE):
            says = "--name"  # which it is a part of
        shown = value.encode("unicode_escape").decode()[:12]
        words = [*given, f"--{name}={value}"]
        yield BadInput("flag", f"{phase}: --{name}={shown}", parsing(options, words), says)


def parsing(options: Any, words: list[str]) -> Callable[[Path], Callable[[], Any]]:
    def run() -> None:
        options.parse(words)

    return lambda folder: run


KINDS = [*kinds_of("train", TrainOptions), *kinds_of("test", TestOptions)]
