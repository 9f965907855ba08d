"""--options FILE: a run's options.json, one written by hand, the original code's train_opt.txt, and what is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.option import fails, for_test, train


def written(tmp_path: Path, content: object, name: str = "flags.json") -> str:
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def test_a_file_written_by_hand_sets_any_flag_and_the_command_line_wins(tmp_path) -> None:
    file = written(tmp_path, {"name": "mine", "batch_size": 4, "model": "pix2pix", "lambda_L1": 7})
    options = train("--options", file, "--batch_size", "2")
    assert (options.run.name, options.data.batch_size) == ("mine", 2)
    assert (options.model.model, options.model.lambda_L1) == ("pix2pix", 7)
    for_a_test = for_test("--options", written(tmp_path, {"batch_size": 4, "num_test": 9}))
    assert (for_a_test.data.batch_size, for_a_test.result.num_test) == (4, 9)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"flags": {"typo_flag": 3}}, "there is no flag --typo_flag"),
        ({"batchsize": 3}, "there is no flag --batchsize (did you mean --batch_size?)"),
        ({"lambda_L1": 3}, "--lambda_L1 is a flag of --model pix2pix"),
        ({"flags": {"isTrain": True, "n_epoch": 3}}, "there is no flag --n_epoch"),
        ({}, "it names no flags; by hand it is written as {"),
        ("batch_size: 4\n", "is not valid JSON"),
        ('{"lr": 0.1, "ngf": 8, "lr": 0.2}', "flags.json gives 'lr' more than once: leave one of"),
        ('{"flags": {"lr": 0.1, "lr": 0.2}}', "flags.json gives 'lr' more than once: leave one of"),
        ({"lr": "fast"}, "flags.json: 'fast' is not a value for --lr"),
        ({"norm": "btch"}, "flags.json: 'btch' is not a value for --norm: choose from instance,"),
        ({"batch_size": 0}, "--batch_size 0 must be at least 1 (in "),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_what_was_meant(
    content, message, tmp_path, capsys
) -> None:
    assert message in fails(capsys, "--options", written(tmp_path, content))


def test_a_mistake_on_the_command_line_is_not_looked_for_in_the_file(tmp_path, capsys) -> None:
    file = written(tmp_path, {"batch_size": 2})
    assert fails(capsys, "--options", file, "--batch_size", "0").endswith(
        "--batch_size 0 must be at least 1 (see --help)"
    )


def test_yaml_is_told_how_json_is_written(tmp_path, capsys) -> None:
    file = written(tmp_path, "batch_size: 4\n", "flags.yaml")
    assert 'is YAML, and JSON is read: by hand it is written as {"' in fails(
        capsys, "--options", file
    )


def test_a_run_of_one_model_gives_its_flags_to_another(tmp_path) -> None:
    file = written(tmp_path, train("--model", "pix2pix", "--name", "n", "--lr", "0.1").json())
    options = train("--options", file, "--model", "cycle_gan")
    assert (options.optim.lr, options.run.name) == (0.1, "experiment_name")


LISTING = """----------------- Options ---------------
                batchSize: 2                             \t[default: 1]
                    beta1: 0.5
             cluster_path: features
                 dataroot: ./datasets/maps                \t[default: None]
                 fineSize: 128
                  isTrain: True                          \t[default: None]
                 loadSize: 140
                lr_policy: lambda
         max_dataset_size: inf
                    model: pix2pix                       \t[default: cycle_gan]
               no_dropout: False
                 no_lsgan: True                          \t[default: False]
         which_model_netG: unet_128
                lambda_A: 50.0
----------------- End -------------------
"""


def test_train_opt_txt_of_the_original_code_is_read(tmp_path) -> None:
    options = train("--options", written(tmp_path, LISTING, "train_opt.txt"))
    assert (options.model.model, options.model.netG, options.model.gan_mode) == (
        "pix2pix",
        "unet_128",
        "vanilla",
    )
    assert (options.data.batch_size, options.data.load_size, options.data.crop_size) == (
        2,
        140,
        128,
    )
    assert (options.model.lambda_L1, options.model.no_dropout) == (50, False)
    assert options.optim.lr_policy == "linear"


def test_our_own_train_opt_txt_is_read(tmp_path) -> None:
    first = train("--model", "pix2pix", "--ngf", "8", "--no_flip", "--suffix", "")
    again = train("--options", written(tmp_path, first.table(), "train_opt.txt"))
    assert again.values() == first.values()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_and_devices_are_refused_at_once(tmp_path, capsys) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        assert "it is a pipe or device, not a file" in fails(capsys, "--options", str(path))
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    assert "larger than 1 MB" in fails(capsys, "--options", str(tmp_path / "large"))


def test_the_home_folder_is_found_in_every_path(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = train("--checkpoints_dir=~/runs", "--cache=~/cache", "--dataroot=~/mine")
    assert (options.run.checkpoints_dir, options.data.cache, options.data.dataroot) == (
        f"{tmp_path}/runs",
        f"{tmp_path}/cache",
        f"{tmp_path}/mine",
    )


def test_a_name_that_no_folder_can_have_is_refused(capsys) -> None:
    assert "is too long: 300 bytes" in fails(capsys, "--name", "é" * 150)
    assert "is too long: 256 bytes" in fails(capsys, "--name", "n", "--suffix", "x" * 254)
    assert train("--name", "x" * 255).run.name == "x" * 255
