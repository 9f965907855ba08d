"""The original code's flags, types, defaults and listing; new flags are those that docs/migration.md names."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from helpers.option import for_test, train

from models import model_options
from options.flags import flags_of

# Flags and defaults of the original code, both generations (type = type of the default).
BOTH = {
    "dataroot": "D", "name": "experiment_name", "gpu_ids": "0", "checkpoints_dir": "./checkpoints",
    "input_nc": 3, "output_nc": 3, "ngf": 64, "ndf": 64, "netD": "basic", "netG": "resnet_9blocks",
    "n_layers_D": 3, "norm": "instance", "init_type": "normal", "init_gain": 0.02, "no_dropout": False,
    "dataset_mode": "unaligned", "direction": "AtoB", "serial_batches": False, "batch_size": 1,
    "crop_size": 256, "max_dataset_size": math.inf, "preprocess": "resize_and_crop", "no_flip": False,
    "display_winsize": 256, "epoch": "latest", "load_iter": 0, "verbose": False, "suffix": "",
    "use_wandb": False, "wandb_project_name": "CycleGAN-and-pix2pix",
}  # fmt: skip
TRAIN = {
    "num_threads": 4, "load_size": 286, "display_freq": 400, "update_html_freq": 1000, "print_freq": 100,
    "no_html": False, "display_ncols": 4, "display_id": 1, "display_server": "http://localhost",
    "display_env": "main", "display_port": 8097, "save_latest_freq": 5000, "save_epoch_freq": 5,
    "save_by_iter": False, "continue_train": False, "epoch_count": 1, "phase": "train", "n_epochs": 100,
    "n_epochs_decay": 100, "beta1": 0.5, "lr": 0.0002, "gan_mode": "lsgan", "pool_size": 50,
    "lr_policy": "linear", "lr_decay_iters": 50,
}  # fmt: skip
# What --num_test means by default is ours: all images, where the original code stopped after 50.
TEST = {
    "num_threads": 0, "load_size": 256, "results_dir": "./results/", "aspect_ratio": 1.0, "phase": "test",
    "eval": False, "num_test": math.inf,
}  # fmt: skip
PIX2PIX = {"norm": "batch", "netG": "unet_256", "dataset_mode": "aligned"}
MODELS = {
    "cycle_gan": (
        {"no_dropout": True},
        {"lambda_A": 10.0, "lambda_B": 10.0, "lambda_identity": 0.5},
    ),
    "pix2pix": (PIX2PIX, {"lambda_L1": 100.0, "pool_size": 0, "gan_mode": "vanilla"}),
    "colorization": (
        {**PIX2PIX, "dataset_mode": "colorization", "input_nc": 1, "output_nc": 2},
        {"lambda_L1": 100.0, "pool_size": 0, "gan_mode": "vanilla"},
    ),
    "template": ({"dataset_mode": "aligned"}, {"lambda_regression": 1.0}),
}
MIGRATION = Path(__file__).parents[2] / "docs/migration.md"


def documented_defaults() -> dict[str, str]:
    """Reads the table of new flags: name, without the "no_" of switches, -> default; "" where it says none."""
    section = MIGRATION.read_text(encoding="utf-8").split("\n## New flags\n")[1].split("\n## ")[0]
    found = dict.fromkeys(names_in(section), "")
    for row in section.splitlines():
        if row.startswith("| `--"):
            _, flags, defaults, *_ = row.split("|")
            found.update(zip(names_in(flags), defaults.strip().split(", "), strict=False))
    return found


def names_in(text: str) -> list[str]:
    return [name.removeprefix("no_") for name in re.findall(r"--(\w+)", text)]


def check_new_flags(new: dict[str, Any]) -> None:
    """Fails on flags that docs/migration.md does not name, or whose default is another there."""
    documented = documented_defaults()
    assert {name.removeprefix("no_") for name in new} <= documented.keys()
    for name, value in new.items():
        default = documented[name.removeprefix("no_")].partition(" ")[0]
        if default == "off":
            assert not value or value is name.startswith("no_"), name
        elif default not in ("", "as"):
            assert default == (f"{value:g}" if isinstance(value, float) else str(value)), name


@pytest.mark.parametrize("model", MODELS)
def test_training_flags_and_defaults_are_those_of_the_original_code(model: str) -> None:
    both, own = MODELS[model]
    expected = {**BOTH, **TRAIN, **both, **own, "model": model}
    values = train("--model", model).values()
    assert {name: values[name] for name in expected} == expected
    check_new_flags({name: values[name] for name in values.keys() - expected})


@pytest.mark.parametrize("model", [*MODELS, "test"])
def test_testing_flags_and_defaults_are_those_of_the_original_code(model: str) -> None:
    both = MODELS[model][0] if model in MODELS else {"dataset_mode": "single", "model_suffix": ""}
    expected = {**BOTH, **TEST, **both, "model": model}
    values = for_test("--model", model).values()
    assert {name: values[name] for name in expected} == expected
    check_new_flags({name: values[name] for name in values.keys() - expected})


def test_the_listing_is_that_of_the_original_code() -> None:
    lines = train("--model", "pix2pix", "--batch_size", "4").table().splitlines()
    assert lines[0] == "----------------- Options ---------------"
    assert lines[-1] == "----------------- End -------------------"
    assert f"{'batch_size':>25}: {'4':<30}\t[default: 1]" in lines
    assert f"{'isTrain':>25}: {'True':<30}" in lines
    assert lines[1:-1] == sorted(lines[1:-1], key=lambda line: line.split(":")[0].strip())


def test_every_flag_says_what_it_does() -> None:
    for name in MODELS:
        assert all(len(meta["help"]) > 5 for meta in flags_of(model_options(name)).values())
