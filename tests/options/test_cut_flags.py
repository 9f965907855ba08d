"""The flags of CUT: names, defaults and spellings of its code."""

from __future__ import annotations

import pytest
from helpers.option import fails, for_test, train

CUT = {
    "CUT_mode": "CUT", "lambda_GAN": 1.0, "lambda_NCE": 1.0, "nce_idt": True, "netF": "mlp_sample",
    "nce_includes_all_negatives_from_minibatch": False, "netF_nc": 256, "nce_T": 0.07, "num_patches": 256,
    "flip_equivariance": False, "pool_size": 0, "n_epochs": 200, "n_epochs_decay": 200, "beta1": 0.5,
    "beta2": 0.999, "lr": 0.0002, "init_type": "xavier", "init_gain": 0.02, "no_dropout": True,
    "no_antialias": False, "no_antialias_up": False, "norm": "instance", "normD": "instance", "gan_mode": "lsgan",
    "netG": "resnet_9blocks", "netD": "basic", "dataset_mode": "unaligned", "batch_size": 1,
}  # fmt: skip
FAST = {**CUT, "CUT_mode": "FastCUT", "lambda_NCE": 10.0, "nce_idt": False}
FAST |= {"flip_equivariance": True, "n_epochs": 150, "n_epochs_decay": 50}


@pytest.mark.parametrize("mode", ["CUT", "cut", "FastCUT", "fastcut"])
def test_the_mode_sets_the_defaults(mode) -> None:
    values = train("--model", "cut", "--CUT_mode", mode).values()
    expected = CUT if mode.lower() == "cut" else FAST
    assert {name: values[name] for name in expected} == expected


def test_commands_without_a_model_are_cuts_when_they_name_a_mode() -> None:
    assert train("--CUT_mode", "FastCUT").model.model == "cut"
    assert for_test("--CUT_mode=CUT", "--phase", "train").model.model == "cut"


def test_flags_on_the_command_line_go_before_those_of_the_mode() -> None:
    options = train("--CUT_mode", "FastCUT", "--lambda_NCE", "1", "--n_epochs", "7")
    assert (options.model.lambda_NCE, options.optim.n_epochs) == (1, 7)
    assert options.optim.n_epochs_decay == 50


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--nce_idt", "False"], "nce_idt", False),
        (["--nce_idt", "yes"], "nce_idt", True),
        (["--flip_equivariance"], "flip_equivariance", True),
        (["--no_dropout", "0"], "no_dropout", False),
        (["--no_antialias"], "no_antialias", True),
        (["--normG", "batch"], "norm", "batch"),
        (["--nce_layers", "0,4,8"], "nce_layers", "0,4,8"),
        (["--easy_label", "CUT", "--netF", "sample"], "netF", "sample"),
    ],
)
def test_its_spellings_are_understood(words, name, value) -> None:
    assert train("--CUT_mode", "CUT", *words).values()[name] == value


def test_a_norm_of_G_leaves_that_of_D() -> None:
    values = train("--CUT_mode", "CUT", "--normG", "batch").values()
    assert (values["norm"], values["normD"]) == ("batch", "instance")


def test_switches_of_every_model_take_a_word() -> None:
    assert train("--no_flip", "true").data.no_flip
    assert not train("--no_flip", "f").data.no_flip


def test_a_word_that_is_no_truth_is_refused(capsys) -> None:
    assert "'maybe' is neither true nor false" in fails(capsys, "--no_flip", "maybe")


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--evaluation_freq", "5000"], "--val_freq"),
        (["--pretrained_name", "other"], "--init_from ./checkpoints/NAME"),
        (["--random_scale_max", "3"], "SinCUT"),
        (["--CUT_mode", "C"], "choose from"),
        (["--lambda_GAN", "0", "--lambda_NCE", "0"], "nothing would be trained"),
    ],
)
def test_what_does_nothing_says_what_does(words, advice, capsys) -> None:
    mode = [] if "--CUT_mode" in words else ["--CUT_mode", "CUT"]
    assert advice in fails(capsys, *mode, *words)


def test_u_nets_are_not_anti_aliased_and_say_what_to_use(capsys) -> None:
    message = fails(capsys, "--model", "pix2pix", "--antialias_up")
    assert "--antialias_up is for ResNets: for --netG unet_256 use --upsample blur" in message


def test_the_flags_that_its_code_saved_are_read(tmp_path) -> None:
    saved = {"model": "cut", "CUT_mode": "FastCUT", "lambda_NCE": 10.0, "flip_equivariance": True}
    saved |= {"normG": "batch", "normD": "instance", "display_id": None, "easy_label": "cats"}
    saved |= {"pretrained_name": None, "evaluation_freq": 5000, "nce_layers": "0,4,8,12,16"}
    lines = [f"{name:>25}: {value!s:<30}" for name, value in saved.items()]
    rule = "----------------- {} ---------------"
    text = "\n".join([rule.format("Options"), *lines, rule.format("End")])
    (tmp_path / "train_opt.txt").write_text(text)
    values = train("--options", str(tmp_path / "train_opt.txt")).values()
    assert (values["norm"], values["nce_layers"]) == ("batch", "0,4,8,12,16")
    assert {name: values[name] for name in ("nce_idt", "n_epochs")} == {
        "nce_idt": False,
        "n_epochs": 150,
    }
