"""Command lines of the original code's first generation (2017), from its README and tutorials of that time."""

from __future__ import annotations

import pytest
from helpers.option import fails, for_test, train

from options.legacy import DROPPED, REPLACED, modernise

# Its flags, and what they set today: the whole list of its parsers, but for those that have the same name.
NAMES = {
    "--batchSize 3": {"batch_size": 3},
    "--loadSize 300": {"load_size": 300},
    "--fineSize 128": {"crop_size": 128},
    "--which_model_netD n_layers": {"netD": "n_layers"},
    "--which_model_netG resnet_6blocks": {"netG": "resnet_6blocks"},
    "--which_direction BtoA": {"direction": "BtoA"},
    "--nThreads 2": {"num_threads": 2},
    "--niter 7": {"n_epochs": 7},
    "--niter_decay 7": {"n_epochs_decay": 7},
    "--which_epoch 5": {"epoch": "5"},
    "--resize_or_crop none": {"preprocess": "none"},
    "--display_single_pane_ncols 2": {"display_ncols": 2},
    "--identity 0": {"lambda_identity": 0},
    "--lr_policy lambda": {"lr_policy": "linear"},
    "--lr_policy=lambda": {"lr_policy": "linear"},
    "--no_lsgan": {"gan_mode": "vanilla"},
    "--align_data": {"dataset_mode": "aligned"},
    "--use_dropout": {"no_dropout": False},
}


@pytest.mark.parametrize("words", NAMES)
def test_an_old_name_means_what_it_meant(words: str) -> None:
    values = train("--model", "cycle_gan", *words.split()).values()
    assert NAMES[words].items() <= values.items()


def test_the_first_readmes_pix2pix_command_trains_as_it_did() -> None:
    words = (
        "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --which_model_netG unet_256 "
        "--which_direction BtoA --lambda_A 100 --align_data --use_dropout --no_lsgan"
    )
    options = train(*words.split())
    assert (options.model.lambda_L1, options.model.gan_mode) == (100, "vanilla")
    assert (options.data.direction, options.data.dataset_mode) == ("BtoA", "aligned")
    assert "lambda_L1" in options.explicit


def test_the_first_readmes_test_commands_are_understood() -> None:
    words = "--model one_direction_test --how_many 9 --which_epoch latest --dataset_mode single"
    options = for_test(*words.split())
    assert (options.model.model, options.result.num_test) == ("test", 9)


@pytest.mark.parametrize("flag", DROPPED)
def test_what_was_dropped_is_explained(flag: str, capsys) -> None:
    message = fails(capsys, "--model", "pix2pix", flag, "1")
    assert f"unrecognized arguments: {flag} 1: " in message
    assert "leave it out" in message


def test_values_that_look_like_old_flags_are_left_alone() -> None:
    assert modernise(["--name", "lambda", "--suffix", "lambda"]) == [
        "--name",
        "lambda",
        "--suffix",
        "lambda",
    ]
    assert all(modernise([switch]) == today for switch, today in REPLACED.items())
