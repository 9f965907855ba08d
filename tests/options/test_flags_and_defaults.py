"""The original code's flags, types, defaults and listing, and those that are new."""

from __future__ import annotations

import math

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
# Ours alone; every one is told of in docs/migration.md.
NEW = {"upsample": "transposed", "seed": 0, "bad_images": "stop", "cache": "", "precision": "auto"}
NEW |= {"no_antialias": True, "no_antialias_up": True}
NEW |= {"range_A": "auto", "range_B": "auto", "alpha": "drop", "label_A": 0}
NEW_TRAIN = {
    "recipe": "paper",
    "time_limit": 0.0,
    "deterministic": False,
    "no_cuda_graphs": False,
    "beta2": 0.999,
    "compile": False,
    "init_from": "",
    "keep_epochs": 0,
    "use_tensorboard": False,
    "wandb_checkpoints": False,
    "scale_lr": False,
    "ema": 0.0,
    "val_freq": 0,
    "val_phase": "val",
    "val_metrics": "l1,psnr",
    "val_images": math.inf,
    "early_stop": 0,
    "no_hints": False,
    "log_health": False,
}
NEW_GAN = {"lambda_GAN": 1.0, "normD": "", "num_D": 1, "n_critic": 5, "lambda_gp": 10.0}


@pytest.mark.parametrize("model", MODELS)
def test_training_flags_and_defaults_are_those_of_the_original_code(model: str) -> None:
    both, own = MODELS[model]
    gan = NEW_GAN if model != "template" else {}
    reconstruction = {"loss_reconstruction": "l1", "lambda_feat": 0.0} if "lambda_L1" in own else {}
    expected = {
        **BOTH,
        **TRAIN,
        **both,
        **own,
        **NEW,
        **NEW_TRAIN,
        **gan,
        **reconstruction,
        "model": model,
    }
    assert train("--model", model).values() == expected


@pytest.mark.parametrize("model", [*MODELS, "test"])
def test_testing_flags_and_defaults_are_those_of_the_original_code(model: str) -> None:
    both = MODELS[model][0] if model in MODELS else {"dataset_mode": "single", "model_suffix": ""}
    assert for_test("--model", model).values() == {
        **BOTH,
        **TEST,
        **both,
        **NEW,
        "norm_policy": "auto",
        "use_ema": False,
        "save_format": "auto",
        "tile": 0,
        "tile_mode": "exact",
        "model": model,
    }


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
