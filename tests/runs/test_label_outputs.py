"""Label maps as outputs: from training by cross entropy to files of class numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from conftest import SMALL, SMALL_TRAINING
from helpers.data import dataset
from helpers.model import batch, pix2pix
from helpers.option import train as train_options
from helpers.translator import bare
from PIL import Image

import test as test_script
import train as train_script
from models import load_translator
from models.inference.translate_dataset import Translation
from models.losses import LOGITS, class_loss
from models.training.validation import Tally
from scripts import translate
from util.errors import InputError
from util.images.label_maps import distinct_colours
from util.images.values import Values
from util.metrics.networks import Networks

K = 4
TINY = ["--netG", "resnet_6blocks", "--norm", "instance", "--no_dropout"]


def numbers(seed: int) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, K, (9, 9), dtype=np.uint8)
    return blocks.repeat(4, 0).repeat(4, 1)


def pairs(root: Path, count: int = 2) -> None:
    """Pictures, and their label maps, of which the last has pixels of no class."""
    colours = distinct_colours(K)
    for phase in ("train", "val", "test"):
        for side in "AB":
            (root / f"{phase}{side}").mkdir(parents=True, exist_ok=True)
        for i in range(count):
            labels = numbers(i)
            Image.fromarray(colours[labels]).save(root / f"{phase}A/{i}.png")
            if i == count - 1:
                labels[:5, :5] = 255
            Image.fromarray(labels).save(root / f"{phase}B/{i}.png")


def classes_of(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        assert file.mode == "P"
        assert np.array_equal(
            np.array(file.getpalette()[: 3 * K]).reshape(K, 3), distinct_colours(K)
        )
        return np.asarray(file)


def test_validation_counts_right_pixels_and_classes_over_all_images() -> None:
    tally = Tally("fake", "B", "fake_B", "real_B", ["l1"], Networks(torch.device("cpu"), {}), Values("B", 3, labels=3))  # fmt: skip
    for real, fake in (([0, 0, 1, 1], [0, 0, 1, 0]), ([1, 1, 2, 9], [1, 1, 1, 1])):  # 9: no class
        maps = {"real_B": np.float32([real]), "fake_B": np.float32([fake])}
        scores = {name: np.where(np.arange(3)[:, None, None] == one, 1, -1) for name, one in maps.items()}  # fmt: skip
        pictures = {name: np.zeros((1, 4, 3), np.uint8) for name in maps}
        tally.add(Translation(0, dict.fromkeys(maps, "a.png"), pictures, scores))
    found = dict(tally.results())
    assert found["accuracy"] == 5 / 7
    assert found["iou"] == pytest.approx((2 / 3 + 3 / 5 + 0) / 3)


def test_label_maps_are_learned_written_and_shown(tmp_path, monkeypatch) -> None:
    pairs(tmp_path / "d")
    monkeypatch.chdir(tmp_path)
    common = ["--dataroot", "d", "--name", "r", "--model", "pix2pix"]
    flags = ["--label_B", str(K), "--lambda_L1", "0", "--val_freq", "1", *TINY]
    assert train_script.main([*common, *SMALL_TRAINING, *flags]) == 0
    log = (tmp_path / "checkpoints/r/loss_log.txt").read_text()
    assert "G_CE" in log
    assert "val_accuracy" in log
    assert "val_iou" in log
    assert test_script.main([*common, *SMALL, "--preprocess", "none"]) == 0
    results = tmp_path / "results/r/test_latest"
    for i in range(2):
        with Image.open(tmp_path / f"d/testB/{i}.png") as truth:
            assert np.array_equal(classes_of(results / f"values/{i}_real_B.png"), truth)
        found = classes_of(results / f"values/{i}_fake_B.png")
        assert found.max() < K
        with Image.open(results / f"images/{i}_fake_B.png") as shown:
            assert np.array_equal(np.asarray(shown), distinct_colours(K)[found])

    weights = ["--name", "r", "--gpu_ids", "-1"]
    assert translate.main(["d/testA", "out", *weights]) == 0
    assert np.array_equal(
        classes_of(tmp_path / "out/0.png"), classes_of(results / "values/0_fake_B.png")
    )
    t = load_translator("checkpoints/r", device="cpu")
    with Image.open("d/testA/0.png") as picture:
        in_code = t(np.asarray(picture))[..., 0], np.asarray(t(picture))
    for again in in_code:
        assert np.array_equal(again, classes_of(tmp_path / "out/0.png"))


def test_cross_entropy_has_the_values_of_its_definition() -> None:
    target = torch.full((1, K, 2, 2), -1.0)
    target[:, 1] = 1
    assert class_loss(torch.zeros(1, K, 2, 2), target).item() == pytest.approx(math.log(K))
    right, wrong = class_loss(target, target).item(), class_loss(-target, target).item()
    assert right == pytest.approx(math.log(1 + (K - 1) * math.exp(-2 * LOGITS)), abs=1e-6)
    assert wrong == pytest.approx(2 * LOGITS + math.log(K - 1), rel=1e-6)
    valid = torch.tensor([[[[True, False], [False, False]]]])
    half = torch.where(valid, -target, target)
    assert class_loss(half, target, valid).item() == pytest.approx(wrong, rel=1e-6)
    assert class_loss(half, target, ~valid).item() == pytest.approx(right, abs=1e-6)
    assert class_loss(half, target, torch.zeros_like(valid)).item() == 0


def test_pixels_of_no_class_teach_nothing() -> None:
    model = pix2pix(label_B=K, output_nc=K, lambda_GAN=0.0, no_dropout=True)
    pair = batch(3, K)
    pair["B"] = torch.full((1, K, 32, 32), -1.0)
    pair["B"][:, 2, :, :16] = 1
    step = model.train_step(pair)
    fake_B, real_B = (step.visuals[name][..., :16] for name in ("fake_B", "real_B"))
    o = model.options
    L1 = (fake_B - real_B).abs().mean() * o.lambda_L1
    assert step.losses["G_L1"].item() == pytest.approx(L1.item(), rel=1e-5)
    entropy = class_loss(fake_B, real_B) * o.lambda_CE
    assert step.losses["G_CE"].item() == pytest.approx(entropy.item(), rel=1e-5)


def test_the_largest_channel_is_the_class_and_what_holds_no_data_is_none() -> None:
    values = Values("B", K, labels=K)
    scores = np.full((1, 4, K), -0.5, np.float32)
    scores[0, 0, 2], scores[0, 1, 3] = 0.1, 1
    scores[0, 2], scores[0, 3] = -1, np.nan
    assert values.in_file(scores)[0, :, 0].tolist() == [2, 3, 255, 255]


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".png"])
def test_classes_are_written_in_each_format_and_read_again(tmp_path, suffix) -> None:
    weights = bare(tmp_path / "w.pth", 1, K)
    tags = [(33550, 12, 3, (10.0, 10.0, 0.0), True)]
    tifffile.imwrite(tmp_path / "a.tif", numbers(0), extratags=tags)
    (tmp_path / "out").mkdir()
    target = tmp_path / f"out/b{suffix}"
    words = ["--weights", str(weights), "--label_B", str(K), "--gpu_ids", "-1"]
    assert translate.main([str(tmp_path / "a.tif"), str(target), *words]) == 0
    maps = dataset(tmp_path / "out", "single", input_nc=K, labels=K)
    found = maps[0]["A"].argmax(0).numpy()
    t = load_translator(weights, device="cpu", label_B=K)
    assert np.array_equal(found, t(numbers(0)))
    if suffix == ".tif":
        with tifffile.TiffFile(target) as file:
            assert file.pages[0].photometric.name == "PALETTE"
            assert file.pages[0].tags[33550].value == (10, 10, 0)
        streamed = tmp_path / "tiles.tif"
        assert translate.main([str(tmp_path / "a.tif"), str(streamed), *words, "--tile", "16"]) == 0
        assert (tifffile.imread(streamed) == found).mean() > 0.99


def test_smaller_versions_of_label_maps_hold_classes_alone(tmp_path) -> None:
    weights = bare(tmp_path / "w.pth", 1, K)
    tifffile.imwrite(tmp_path / "a.tif", np.tile(numbers(0), (10, 10)))
    words = ["--weights", str(weights), "--label_B", str(K), "--gpu_ids", "-1", "--pyramid"]
    for flags in ((), ("--tile", "256", "--tile_mode", "blend")):
        target = tmp_path / f"b{len(flags)}.tif"
        assert translate.main([str(tmp_path / "a.tif"), str(target), *words, *flags]) == 0
        with tifffile.TiffFile(target) as file:
            base, half = (level.asarray() for level in file.series[0].levels)
            assert np.array_equal(half, base[::2, ::2])
            assert file.pages[0].photometric.name == "PALETTE"


def test_formats_that_blur_or_scale_classes_are_refused(tmp_path) -> None:
    weights = bare(tmp_path / "w.pth", 1, K)
    Image.fromarray(numbers(0)).save(tmp_path / "a.png")
    words = ["--weights", str(weights), "--label_B", str(K), "--gpu_ids", "-1"]
    with pytest.raises(InputError, match=".jpg files do not hold class numbers"):
        translate.main([str(tmp_path / "a.png"), str(tmp_path / "b.jpg"), *words])


def test_output_channels_are_the_classes(capsys) -> None:
    assert train_options("--model", "pix2pix", "--label_B", "12").model.output_nc == 12
    with pytest.raises(SystemExit):
        train_options("--model", "pix2pix", "--label_B", "12", "--output_nc", "3")
    assert "--label_B 12 makes as many output channels" in capsys.readouterr().err
