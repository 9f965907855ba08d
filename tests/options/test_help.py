"""--help and messages about what was mistyped."""

from __future__ import annotations

import re

import pytest
from helpers.option import fails, for_test, train

from data import DATASETS
from models import MODELS
from models.networks import DISCRIMINATORS, GENERATORS
from options.base_options import DataOptions, ModelOptions
from options.flags import flags_of


def shown(capsys, parse, *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        parse(*words)
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("parse", [train, for_test])
def test_help_shows_the_most_used_flags_in_order_with_examples(parse, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(capsys, parse, "--help")
    flags = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    assert flags[:3] == ["--dataroot", "--name", "--model"]
    assert len(flags) == len(set(flags)) <= 24
    assert "  python t" in text
    assert max(map(len, text.splitlines())) <= 88  # of which a command line may be a little longer
    assert " STR" not in text
    assert " INT" not in text


def test_help_all_shows_every_flag(capsys) -> None:
    text = shown(capsys, train, "--model", "pix2pix", "--help", "all")
    assert all(f"--{name} " in text for name in train("--model", "pix2pix").values())


def test_help_with_a_word_shows_the_flags_about_it(capsys) -> None:
    text = shown(capsys, train, "--help", "visdom")
    assert "--display_port" in text
    assert "--dataroot FOLDER  " not in text
    assert "--help zebra: no flag is about that" in fails(capsys, "--help", "zebra")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--lamda_A 3", "--lamda_A 3 (did you mean --lambda_A?)"),
        ("--lambda_L1 3", "--lambda_L1 is a flag of --model pix2pix"),
        ("--model pix2px", "--model 'pix2px' is unknown (did you mean pix2pix?)"),
        ("--dataset_mode algined", "(did you mean aligned?)"),
        ("--direction AtoC", "invalid choice: 'AtoC' (did you mean AtoB?)"),
        ("--lr_policy Linear", "(did you mean linear?)"),
    ],
)
def test_what_was_mistyped_is_proposed(words, message, capsys) -> None:
    assert message in fails(capsys, *words.split())


def test_a_flag_of_training_is_named_as_such_when_testing(capsys) -> None:
    assert "--lr is a flag of train.py" in fails(capsys, "--lr", "3", parse=for_test)


@pytest.mark.parametrize(
    ("group", "flag", "names"),
    [
        (DataOptions, "dataset_mode", DATASETS),
        (ModelOptions, "model", MODELS),
        (ModelOptions, "netG", GENERATORS),
        (ModelOptions, "netD", DISCRIMINATORS),
    ],
)
def test_help_names_all_that_may_be_chosen(group, flag, names) -> None:
    text = flags_of(group)[flag]["help"]
    families = {re.sub(r"(?<=_)[0-9]+$", "", name) for name in names}  # unet_64 ... unet_1024
    assert all(re.search(rf"\b{name}", text) for name in families)
