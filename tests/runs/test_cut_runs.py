"""CUT's runs do what those of other models do: continue, average, validate, test, translate, export."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL_TRAINING, write_images
from helpers.export import exported
from helpers.runs import assert_same, content, run
from helpers.web_demo import make_demo
from helpers.words import words
from PIL import Image

import test as test_script
import train
from models import load_translator
from models.networks import define_D, define_G
from models.networks.patch_sampler import PatchMLP
from scripts import translate
from util.checkpoints import files as checkpoint

CUT = "--netF_nc 8 --num_patches 16 --CUT_mode"


@pytest.fixture(scope="module")
def unpaired(tmp_path_factory) -> Path:
    """trainA, trainB, testA, testB; those of the test have the same names, and so a truth."""
    root = tmp_path_factory.mktemp("data")
    for folder, count in (("trainA", 5), ("trainB", 6), ("testA", 2), ("testB", 2)):
        write_images(root / folder, count)
    return root


@pytest.fixture(scope="module")
def checkpoints(unpaired, tmp_path_factory) -> Path:
    """The folder of a run "cut" with averages and a validation."""
    out = tmp_path_factory.mktemp("runs")
    flags = words(CUT, "CUT --ema 0.5 --val_freq 1 --val_phase test --val_metrics l1")
    run(unpaired, out, "cut", *flags, model="cut")
    return out


PENALIZED = (
    "CUT --r1 1 --r1_interval 4 --normD none --spectral_norm --diffaugment color,translation"
)


@pytest.mark.parametrize("mode", ["CUT", "FastCUT", PENALIZED])
def test_a_resumed_run_ends_bit_for_bit_like_an_undisturbed_one(unpaired, tmp_path, mode) -> None:
    flags = words(CUT, mode, "--print_freq 1 --n_epochs 2 --n_epochs_decay 1 --ema 0.5")
    whole = run(unpaired, tmp_path, "whole", *flags, model="cut")
    short = words(*flags, "--n_epochs 1 --n_epochs_decay 0")
    part = run(unpaired, tmp_path, "part", *short, model="cut")
    run(unpaired, tmp_path, "part", *flags, "--continue_train", model="cut")
    assert_same(content(whole), content(part))


def test_a_run_saves_its_networks_averages_and_best(checkpoints) -> None:
    files = {path.name for path in (checkpoints / "cut").glob("*.pth")}
    assert {f"latest_net_{name}.pth" for name in ("G", "G_ema", "F", "D")} <= files
    assert "best_l1_net_G.pth" in files


def test_test_py_writes_a_page_and_one_side_is_enough(checkpoints, unpaired, tmp_path) -> None:
    line = "--name cut --CUT_mode CUT --gpu_ids -1 --num_threads 0 --checkpoints_dir"
    where = words("--dataroot", unpaired, "--results_dir", tmp_path, line, checkpoints)
    assert test_script.main(where) == 0
    images = {path.name for path in tmp_path.rglob("*.png")}
    assert any(name.endswith("_fake_B.png") for name in images)
    assert (tmp_path / "cut/test_latest/index.html").exists()
    alone = words(*where, "--model test --dataroot", unpaired / "testA")
    alone.remove("--CUT_mode")
    alone.remove("CUT")
    assert test_script.main(alone) == 0


def test_translate_py_and_load_translator_translate(checkpoints, unpaired, tmp_path) -> None:
    line = words("--name cut --checkpoints_dir", checkpoints, "--gpu_ids -1")
    assert translate.main([*line, str(unpaired / "testA"), str(tmp_path)]) == 0
    made = sorted(tmp_path.rglob("*.png"))
    assert len(made) == 2
    image = Image.open(unpaired / "testA" / made[0].name)
    found = load_translator(checkpoints / "cut", device="cpu")(image)
    assert np.array_equal(np.asarray(found), np.asarray(Image.open(made[0])))


@pytest.mark.parametrize("kind", ["torchscript", "onnx"])
def test_it_is_exported_with_a_certificate(checkpoints, unpaired, tmp_path, kind) -> None:
    if kind == "onnx":  # what the browser demo runs
        pytest.importorskip("onnxscript")
    flags = words("--images", unpaired / "testA", "--num_test 2 --format", kind)
    (certificate,) = exported(checkpoints, tmp_path, "cut", *flags)
    assert certificate["passed"]
    assert certificate["facts"]["architecture"]["antialias"]


def test_a_browser_demo_is_made_of_it(checkpoints, unpaired, tmp_path) -> None:
    flags = words("--size 32 --images", unpaired / "testA")
    page = make_demo(checkpoints, "cut", tmp_path / "page", *flags)
    assert (page / "index.html").exists()
    assert (page / "model.json").exists()


def test_published_networks_load_into_a_run_and_out_of_it(unpaired, tmp_path) -> None:
    made = {
        "G": define_G(3, 3, 4, "resnet_6blocks", "instance", antialias=True, antialias_up=True),
        "D": define_D(3, 4, "basic", norm="instance", antialias=True),
        "F": PatchMLP([3, 8, 16, 16, 16], 8),
    }
    for name, network in made.items():
        checkpoint.save(tmp_path / f"published/latest_net_{name}.pth", network.state_dict())
    flags = words(CUT, "CUT --lr 0 --init_from", tmp_path / "published")
    folder = run(unpaired, tmp_path, "tuned", *flags, model="cut")
    for name, network in made.items():
        saved = checkpoint.load_weights(folder / f"latest_net_{name}.pth")
        assert_same(dict(saved), dict(network.state_dict()))


def test_a_generator_alone_starts_a_run(unpaired, tmp_path, capsys) -> None:
    G = define_G(3, 3, 4, "resnet_6blocks", "instance", antialias=True, antialias_up=True)
    checkpoint.save(tmp_path / "published/latest_net_G.pth", G.state_dict())
    flags = words(CUT, "CUT --init_from", tmp_path / "published")
    run(unpaired, tmp_path, "tuned", *flags, model="cut")
    assert "network F, D: fresh" in capsys.readouterr().out


def test_a_bare_generator_is_recognised(unpaired, tmp_path) -> None:
    G = define_G(3, 3, 4, "resnet_6blocks", "instance", antialias=True, antialias_up=True)
    checkpoint.save(tmp_path / "latest_net_G.pth", G.state_dict())
    image = Image.open(next((unpaired / "testA").iterdir()))
    assert load_translator(tmp_path / "latest_net_G.pth", device="cpu")(image).size == image.size


def test_pairs_train_it_too_and_both_directions(paired, tmp_path) -> None:
    flags = words(CUT, "CUT --dataset_mode aligned --direction BtoA")
    run(paired, tmp_path, "pairs", *flags, model="cut")


def test_an_anti_aliased_cyclegan_is_tested_as_it_was_trained(unpaired, tmp_path) -> None:
    run(unpaired, tmp_path, "cycle", "--antialias --antialias_up", model="cycle_gan")
    line = "--name cycle --model cycle_gan --gpu_ids -1 --num_threads 0 --num_test 1"
    where = words(line, "--dataroot", unpaired, "--results_dir", tmp_path / "results")
    assert test_script.main(words(*where, "--checkpoints_dir", tmp_path)) == 0


# Lines of its launcher for published generators, which have no other files beside them.
@pytest.mark.parametrize(
    "line",
    [
        "--direction BtoA --phase val --name cityscapes_cut_pretrained --CUT_mode CUT --num_test 500",
        "--name horse2zebra_fastcut_pretrained --CUT_mode FastCUT --num_test 500 --easy_label FastCUT",
    ],
)
def test_its_launcher_tests_published_generators(unpaired, tmp_path, monkeypatch, line) -> None:
    monkeypatch.chdir(tmp_path)
    name = next(word for word in line.split() if word.endswith("_pretrained"))
    G = define_G(3, 3, 2, "resnet_9blocks", "instance", antialias=True, antialias_up=True)
    checkpoint.save(tmp_path / f"checkpoints/{name}/latest_net_G.pth", G.state_dict())
    shutil.copytree(unpaired / "testA", tmp_path / "data/valA")
    for folder in ("testA", "testB", "valB"):
        shutil.copytree(unpaired / "testB", tmp_path / "data" / folder)
    assert test_script.main(words("--dataroot data --gpu_ids -1 --crop_size 32", line)) == 0
    assert list(tmp_path.glob(f"results/{name}/*_latest/images/*_fake_B.png"))


# Commands of its README, with what makes them small behind.
@pytest.mark.parametrize("mode", ["CUT", "FastCUT"])
def test_the_commands_of_its_readme(unpaired, tmp_path, monkeypatch, mode) -> None:
    monkeypatch.chdir(tmp_path)
    command = words("--dataroot", unpaired, "--name grumpycat --CUT_mode", mode)
    small = words("--netG resnet_6blocks --netF_nc 8", *SMALL_TRAINING)
    assert train.main([*command, *small]) == 0
    assert test_script.main([*command, *words("--phase train --gpu_ids -1")]) == 0
    assert list(Path("results/grumpycat/train_latest/images").glob("*_fake_B.png"))
