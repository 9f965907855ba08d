"""--load_size and --crop_size take N or HEIGHTxWIDTH, in training and testing."""

from __future__ import annotations

import json
import random

import pytest
import torch
from conftest import SMALL_TRAINING, write_images
from helpers.option import fails, for_test, train
from PIL import Image

import test as test_script
import train as train_script
from data.transforms import Preprocess
from models.pix2pix_model import Pix2PixModel, Pix2PixOptions
from util.errors import InputError


@pytest.mark.parametrize(
    ("mode", "size", "trained", "tested"),
    [  # sizes (height, width) in, and out for training and testing; load 36x60, crop 32x48
        ("resize_and_crop", (50, 90), (32, 48), (32, 48)),
        ("crop", (50, 90), (32, 48), (32, 48)),
        ("scale_width", (50, 90), (32, 60), (33, 60)),
        ("scale_width_and_crop", (50, 90), (32, 48), (32, 48)),
        ("scale_width_and_crop", (20, 90), (32, 48), (32, 48)),
    ],
)
def test_sizes_after_preprocessing(mode, size, trained, tested) -> None:
    image = torch.zeros(3, *size, dtype=torch.uint8)
    for augment, wanted in ((True, trained), (False, tested)):
        preprocess = Preprocess(mode, (36, 60), (32, 48), multiple=4, augment=augment)
        assert preprocess.sample(image, random.Random(0))(image).shape == (3, *wanted)


def test_crops_are_drawn_from_all_of_a_rectangle() -> None:
    preprocess = Preprocess("resize_and_crop", (36, 60), (32, 48))
    drawn = [preprocess.sample_for((10, 10), random.Random(seed)) for seed in range(300)]
    assert {draw.top for draw in drawn} == set(range(5))
    assert {draw.left for draw in drawn} == set(range(13))


def test_an_image_too_small_on_one_side_is_refused() -> None:
    preprocess = Preprocess("crop", (300, 300), (32, 48))
    with pytest.raises(ValueError, match="40x60 pixels are too few for --crop_size 32x48"):
        preprocess.sample_for((60, 40), random.Random(0))


def test_flags_and_saved_flags_say_sizes_alike(capsys) -> None:
    data = train("--load_size", "72x136", "--crop_size", "64x128").data
    assert (data.load_size, data.crop_size) == ("72x136", "64x128")
    assert train("--crop_size", "64x64", "--load_size", "70").data.crop_size == 64
    assert (
        train("--name", "n", "--suffix", "{load_size}", "--load_size", "300x512").run.name
        == "n_300x512"
    )
    for text in ("64x", "x64", "64x64x3", "64.5", "big"):
        assert "neither a number of pixels nor HEIGHTxWIDTH" in fails(capsys, "--crop_size", text)
    message = fails(capsys, "--load_size", "300x100", "--crop_size", "256x128")
    assert "--load_size 300x100 is smaller than --crop_size 256x128" in message
    assert "must be at least 1" in fails(capsys, "--crop_size", "0x64")


@pytest.mark.parametrize("value", ["10x", "wide", "64", 3.5])
def test_a_saved_size_that_is_none_is_refused(tmp_path, capsys, value) -> None:
    file = tmp_path / "options.json"
    file.write_text(json.dumps({"flags": {"crop_size": value}}))
    assert "is not a value for --crop_size" in fails(capsys, "--options", str(file))


def test_both_sides_must_fit_the_networks() -> None:
    model = Pix2PixModel(Pix2PixOptions(netG="unet_64", ngf=1))
    model.check_crop_size("64x128")
    with pytest.raises(
        InputError, match=r"--crop_size 64x100 .* use 64 for height, 64 or 128 for width"
    ):
        model.check_crop_size("64x100")


def test_a_run_on_rectangles_is_tested_on_them(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for phase in ("train", "test"):
        write_images(tmp_path / "d" / phase, 2, 40, 128)
    words = ["--dataroot", "d", "--name", "r", "--model", "pix2pix", "--gpu_ids", "-1"]
    tiny = ["--netG", "resnet_6blocks", "--norm", "instance"]
    sizes = ["--load_size", "36x60", "--crop_size", "32x48"]
    assert train_script.main([*words, *SMALL_TRAINING, *tiny, *sizes]) == 0
    assert for_test(*words[2:]).data.load_size == "32x48"
    assert test_script.main(words) == 0
    with Image.open("results/r/test_latest/images/000_fake_B.png") as made:
        assert made.size == (48, 32)
    assert test_script.main([*words, "--crop_size", "16x40"]) == 0
    with Image.open("results/r/test_latest/images/000_fake_B.png") as made:
        assert made.size == (40, 16)
