"""How trained weights are used by default: by the statistics and with the weights that suit their training."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import option
from helpers.runs import content, run
from helpers.translator import pixels, results_of

from models import create_model, load_translator
from models.inference.find_generator import find_generator
from models.inference.load_run import choose_settings
from models.networks import define_G
from models.training.twin import Twin
from models.training.validation import open_validation
from scripts.lib.exporting.generator import open_generator
from util.checkpoints import files as checkpoint
from util.checkpoints.inference_settings import (
    InferenceSettings,
    read_settings,
    record_settings,
    settings_by_rule,
)
from util.checkpoints.names import list_networks

BATCH = ("--norm", "batch", "--ngf", "2", "--ndf", "2", "--lr", "0.01")
EVERY_EPOCH = ("--save_epoch_freq", "1")


def error(images: Path) -> float:
    """The mean error of a folder of results."""
    pairs = [(f, f.with_name(f.name.replace("fake", "real"))) for f in images.glob("*_fake_B.png")]
    return float(np.mean([np.abs(pixels(a) - pixels(b).astype(float)) for a, b in pairs])) / 255


@pytest.fixture(scope="module")
def batches(paired: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in batches of two, with dropout, measured on the validation images."""
    out = tmp_path_factory.mktemp("batches")
    words = (*BATCH, "--batch_size", "2", "--n_epochs", "3", "--val_freq", "1", *EVERY_EPOCH)
    return run(paired, out, "n", *words)


@pytest.mark.parametrize("label", ["latest", "best_l1", "1"])
def test_the_default_is_the_better_of_both_statistics(batches, paired, tmp_path, label) -> None:
    words = ("--epoch", label, "--phase", "val")
    errors = {
        flags: error(
            results_of(
                batches.parent, tmp_path / "_".join(flags), paired, "n", "pix2pix", *words, *flags
            )
        )
        for flags in [(), ("--norm_policy", "image"), ("--norm_policy", "running")]
    }
    default, image, running = errors.values()
    assert image != running
    assert default == min(image, running)


def test_the_best_checkpoint_has_the_value_by_which_it_was_chosen(
    batches, paired, tmp_path
) -> None:
    words = ("--epoch", "best_l1", "--phase", "val")
    images = results_of(batches.parent, tmp_path, paired, "n", "pix2pix", *words)
    assert error(images) == pytest.approx(content(batches)["progress"]["best"]["l1"], abs=1e-6)


@pytest.mark.parametrize("policy", ["image", "running"])
def test_all_ways_to_translate_follow_the_record(batches, paired, tmp_path, policy) -> None:
    folder = Path(shutil.copytree(batches, tmp_path / "n"))
    recorded = json.loads((folder / "inference.json").read_text())
    recorded["latest"]["norm_policy"] = policy
    (folder / "inference.json").write_text(json.dumps(recorded))
    t = load_translator(folder, device="cpu")
    forced = load_translator(folder, device="cpu", running_statistics=policy == "running")
    other = load_translator(folder, device="cpu", running_statistics=policy != "running")
    picture = pixels(paired / "test/000.png")[:, :32]
    assert np.array_equal(t(picture), forced(picture))
    assert not np.array_equal(t(picture), other(picture))
    assert open_generator(find_generator(folder)).facts["norm_policy"] == policy
    if policy == "running":  # which leaves no dropout in test.py either
        images = results_of(tmp_path, tmp_path / "r", paired, "n", "pix2pix")
        assert np.array_equal(t(picture), pixels(images / "000_fake_B.png"))


def test_without_validation_training_images_decide(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", *BATCH, "--batch_size", "3")
    errors = {
        policy: error(
            results_of(
                tmp_path, tmp_path / policy, paired, "n", "pix2pix",
                "--phase", "train", "--norm_policy", policy,
            )
        )
        for policy in ("image", "running")
    }  # fmt: skip
    assert read_settings(folder, "latest", {}).norm_policy == min(errors, key=errors.__getitem__)


def test_batches_of_one_are_tested_as_the_original_code_does(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", *BATCH, "--val_freq", "1")
    assert read_settings(tmp_path / "n", "latest", {"batch_size": 8}).norm_policy == "image"
    default, image = (
        results_of(tmp_path, tmp_path / f"r{len(flags)}", paired, "n", "pix2pix", *flags)
        for flags in [(), ("--norm_policy", "image")]
    )
    for name in os.listdir(default):
        assert np.array_equal(pixels(default / name), pixels(image / name))


def test_flags_of_training_decide_where_nothing_is_recorded() -> None:
    running = {"norm": "batch", "batch_size": 8}
    assert settings_by_rule(running).norm_policy == "running"
    assert settings_by_rule({**running, "batch_size": 1}).norm_policy == "image"
    assert settings_by_rule({**running, "norm": "instance"}).norm_policy == "image"
    assert settings_by_rule({"norm": "syncbatch", "batch_size": 1}, 4).norm_policy == "running"
    assert settings_by_rule({"norm": "batch", "batch_size": 1}, 4).norm_policy == "image"
    assert settings_by_rule({}).reason == ""


@pytest.mark.parametrize("text", ["", "[]", '{"latest": {"norm_policy": "sum"}}', "{" * 100_000])
def test_a_damaged_record_counts_as_none(tmp_path, text) -> None:
    (tmp_path / "inference.json").write_text(text)
    flags = {"norm": "batch", "batch_size": 8}
    assert read_settings(tmp_path, "latest", flags) == settings_by_rule(flags)


@pytest.mark.parametrize("decay", ["0.1", "0.9999"])
def test_the_better_of_raw_and_averaged_weights_is_the_default(paired, tmp_path, decay) -> None:
    words = ("--norm", "instance", "--no_dropout", "--ngf", "2", "--ndf", "2", "--lr", "0.01")
    folder = run(paired, tmp_path, "n", *words, "--ema", decay, "--val_freq", "1")
    errors = {
        flags: error(
            results_of(
                tmp_path, tmp_path / f"r{flags}", paired, "n", "pix2pix", "--phase", "val", *flags
            )
        )
        for flags in [(), ("--use_ema",), ("--no_use_ema",)]
    }
    default, averaged, raw = errors.values()
    assert averaged != raw
    assert default == min(averaged, raw)
    assert content(folder)["progress"]["best"]["l1"] == pytest.approx(default, abs=1e-6)
    used = find_generator(folder).path
    assert used.name == ("latest_net_G_ema.pth" if averaged < raw else "latest_net_G.pth")


def test_raw_and_averaged_weights_have_statistics_of_their_own() -> None:
    """Raw weights with the truth as their translation by the statistics of training; averaged ones for which these are wrong."""
    options = option.train(
        "--model",
        "pix2pix",
        "--netG",
        "unet_64",
        "--batch_size",
        "8",
        "--ema",
        "0.9",
        "--val_freq",
        "1",
        *BATCH,
    )
    model = create_model(options.model)
    images = torch.rand(4, 3, 64, 64) * 2 - 1
    paths = [f"{number}.png" for number in range(4)]
    averaged = copy.deepcopy(model.G)
    for name, buffer in averaged.named_buffers():
        if name.endswith("running_var"):
            buffer *= 1e-8
    with torch.no_grad():
        truth = model.G.eval()(images)
    batch = {
        "A": images,
        "B": truth,
        "A_paths": paths,
        "B_paths": paths,
        "number": torch.arange(4),
    }
    twin = Twin(options.model, 0, torch.device("cpu"))
    validation = open_validation(options, lambda phase: lambda most: iter([batch]), twin, {})
    outcome = validation.run({**model.networks(), "G_ema": averaged})
    assert outcome.scores["l1"] == 0
    assert outcome.settings.norm_policy == "running"
    assert not outcome.settings.averaged


def test_statistics_recorded_for_other_weights_are_not_taken_for_those_that_are_forced(
    tmp_path,
) -> None:
    G = define_G(3, 3, 2, "resnet_6blocks", "batch")
    for suffix in ("", "_ema"):
        checkpoint.save(tmp_path / f"n/latest_net_G{suffix}.pth", G.state_dict())
    measured = InferenceSettings("running", averaged=False, reason="measured")
    record_settings(tmp_path / "n", ["latest"], measured)
    assert find_generator(tmp_path / "n").settings == measured
    assert find_generator(tmp_path / "n", use_ema=False).settings == measured
    forced = find_generator(tmp_path / "n", use_ema=True).settings
    assert (forced.norm_policy, forced.averaged) == (
        "image",
        True,
    )  # no flags: as in batches of one
    file = find_generator(tmp_path / "n/latest_net_G_ema.pth").settings
    assert file == forced
    where = ("--name", "n", "--checkpoints_dir", str(tmp_path), "--model", "test", "--use_ema")
    assert choose_settings(option.for_test(*where), "G") == forced


def test_averaged_weights_that_are_gone_are_not_asked_for(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--ema", "0.9", "--ngf", "2", "--ndf", "2")
    for file in list_networks(folder):
        if file.averaged:
            file.path.unlink()
    assert find_generator(folder).path.name == "latest_net_G.pth"
