"""Training and testing on images that are not 8-bit colour, and on label maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from conftest import SMALL, SMALL_TRAINING, picture
from helpers.data import dataset
from helpers.doctor import aligned, save
from helpers.format import noise
from helpers.option import train as train_options
from PIL import Image

import test as test_script
import train as train_script
from util.images.label_maps import distinct_colours
from util.images.read import BadImage
from util.images.write import write_values

imagecodecs = pytest.importorskip("imagecodecs")
TINY = ["--netG", "resnet_6blocks", "--norm", "instance"]


def run(home: Path, monkeypatch, *flags: str, tested: tuple[str, ...] = ()) -> Path:
    """Trains and tests; the result folder."""
    monkeypatch.chdir(home)
    common = ["--dataroot", "d", "--name", "r"]
    assert train_script.main([*common, *SMALL_TRAINING, *TINY, *flags]) == 0
    model = flags[: flags.index("--model") + 2][-2:]
    assert test_script.main([*common, *model, *SMALL, *tested]) == 0
    return home / "results/r/test_latest"


def tiffs(folder: Path, channels: int, count: int = 2, high: int = 65535) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        array = np.random.default_rng(i).integers(0, high + 1, (36, 36, channels), dtype=np.uint16)
        write_values(folder / f"{i}.tif", array)


def label_maps(folder: Path, classes: int = 4, count: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        blocks = np.random.default_rng(i).integers(0, classes, (9, 9), dtype=np.uint8)
        Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)).save(folder / f"{i}.png")


def photos(folder: Path, count: int = 2) -> None:
    for i in range(count):
        save(folder / f"{i}.png", picture(i, 36, 36))


def saved_flags(home: Path) -> dict:
    return json.loads((home / "checkpoints/r/options.json").read_text())["flags"]


def test_pix2pix_from_five_bands_to_16_bits(tmp_path, monkeypatch) -> None:
    for phase in ("train", "val", "test"):
        tiffs(tmp_path / f"d/{phase}A", 5, high=10000)
        tiffs(tmp_path / f"d/{phase}B", 1)
    flags = ["--model", "pix2pix", "--input_nc", "5", "--output_nc", "1", "--val_freq", "1"]
    results = run(tmp_path, monkeypatch, *flags, "--range_A", "0,10000")
    assert saved_flags(tmp_path)["range_A"] == "0,10000"
    assert saved_flags(tmp_path)["range_B"] == "0,65535"
    made = tifffile.imread(results / "values/0_fake_B.tif")
    assert (made.dtype, made.shape) == (np.uint16, (32, 32))
    shown = np.asarray(Image.open(results / "images/0_fake_B.png")).astype(int)
    assert np.abs(made / 257 - shown).max() <= 0.51
    assert tifffile.imread(results / "values/0_real_A.tif").shape == (32, 32, 5)


def test_cycle_gan_between_three_and_two_channels(tmp_path, monkeypatch) -> None:
    for phase in ("train", "test"):
        photos(tmp_path / f"d/{phase}A")
        tiffs(tmp_path / f"d/{phase}B", 2, high=4095)
    flags = ["--model", "cycle_gan", "--output_nc", "2", "--range_B", "0,4095"]
    results = run(tmp_path, monkeypatch, *flags)
    names = {path.name for path in (results / "values").iterdir()}
    assert names == {f"{i}_{name}.tif" for i in range(2) for name in ("real_B", "fake_B", "rec_B")}
    assert tifffile.imread(results / "values/1_fake_B.tif").max() <= 4095


def test_one_generator_gives_the_depth_that_its_run_was_trained_with(tmp_path, monkeypatch) -> None:
    for phase in ("train", "test"):
        photos(tmp_path / f"d/{phase}A")
        tiffs(tmp_path / f"d/{phase}B", 1, high=4095)
    run(tmp_path, monkeypatch, "--model", "cycle_gan", "--output_nc", "1", "--range_B", "0,4095")
    results = tmp_path / "results/r/test_latest/values"
    for side, folder, file in (("_A", "testA", "0_fake.png"), ("_B", "testB", "0_real.tif")):
        for old in results.iterdir():
            old.unlink()
        words = ["--dataroot", f"d/{folder}", "--name", "r", "--model", "test"]
        assert test_script.main([*words, "--model_suffix", side, *SMALL]) == 0
        assert sorted(path.name for path in results.glob("0_*")) == [file]
        deep = imagecodecs.imread(results / file)
        assert deep.dtype == np.uint16
        assert deep.max() <= 4095


def test_continuing_takes_the_range_over_and_the_first_file_settles_it(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiffs(tmp_path / "d/trainA", 1, high=4095)
    tiffs(tmp_path / "d/trainB", 1)
    common = ["--dataroot", "d", "--name", "r", "--model", "pix2pix", *SMALL_TRAINING, *TINY]
    common += ["--input_nc", "1", "--output_nc", "1"]
    assert train_script.main([*common, "--range_A=-5,4095"]) == 0
    more = [*common[:4], *SMALL, *["--display_id", "-1", "--continue_train", "--n_epochs", "2"]]
    assert train_script.main([*more, "--model", "pix2pix"]) == 0
    assert saved_flags(tmp_path)["range_A"] == "-5,4095"


def test_pix2pix_from_label_maps(tmp_path, monkeypatch) -> None:
    for phase in ("train", "val", "test"):
        label_maps(tmp_path / f"d/{phase}A")
        photos(tmp_path / f"d/{phase}B")
    flags = ["--model", "pix2pix", "--label_A", "4", "--val_freq", "1"]
    results = run(tmp_path, monkeypatch, *flags)
    assert saved_flags(tmp_path)["input_nc"] == 4
    colours = {tuple(colour) for colour in distinct_colours(4).tolist()}
    with Image.open(results / "images/0_real_A.png") as shown:
        assert {colour for _, colour in shown.convert("RGB").getcolors()} == colours
    assert not (results / "values").exists()
    words = ["--dataroot", "d/testA", "--name", "r", "--model", "test", *SMALL]
    assert test_script.main(words) == 0
    with Image.open(results / "images/0_real.png") as shown:
        assert {colour for _, colour in shown.convert("RGB").getcolors()} == colours


def test_label_maps_are_one_hot_in_minus_one_and_one_and_never_blurred(tmp_path) -> None:
    label_maps(tmp_path, classes=4)
    flags = {"preprocess": "resize_and_crop", "load_size": 50, "crop_size": 50, "labels": 4}
    image = dataset(tmp_path, "single", input_nc=4, **flags)[0]["A"]
    assert image.shape == (4, 50, 50)
    assert image.unique().tolist() == [0, 255]
    assert (image.sum(0) == 255).all()
    exact = dataset(tmp_path, "single", input_nc=4, labels=4)[0]["A"]
    with Image.open(tmp_path / "0.png") as file:
        numbers = np.asarray(file)
    assert np.array_equal(exact.argmax(0).numpy(), numbers)
    save(tmp_path / "0.png", numbers % 2 * 3)  # nothing lies between 0 and 3
    image = dataset(tmp_path, "single", input_nc=4, **flags)[0]["A"]
    assert image.argmax(0).unique().tolist() == [0, 3]


@pytest.mark.parametrize("kind", ["palette", "uint16", "two colours", "npy"])
def test_label_maps_may_be_palettes_or_numbers_of_any_depth(tmp_path, kind) -> None:
    numbers = np.random.default_rng(0).integers(0, 2, (8, 8), dtype=np.uint8)
    if kind == "npy":
        np.save(tmp_path / "a.npy", numbers.astype(np.int64))
    else:
        image = Image.fromarray(numbers.astype(np.uint16) if kind == "uint16" else numbers)
        if kind == "palette":
            image = Image.fromarray(numbers, mode=None).convert("L")
            image.putpalette([200, 10, 10, 0, 250, 3])
        elif kind == "two colours":
            image = Image.fromarray(numbers.astype(bool))
        image.save(tmp_path / "a.png")
    found = dataset(tmp_path, "single", input_nc=2, labels=2)[0]["A"]
    assert np.array_equal(found.argmax(0).numpy(), numbers)


def test_255_is_no_class_and_other_classes_too_high_are_named(tmp_path) -> None:
    save(tmp_path / "a.png", np.full((8, 8), 255, np.uint8))
    save(tmp_path / "b.png", np.full((8, 8), 7, np.uint8))
    save(tmp_path / "c.png", picture(0, 8, 8))
    maps = dataset(tmp_path, "single", input_nc=4, labels=4)
    assert maps[0]["A"].unique().tolist() == [0]
    for i, reason in (
        (1, "has the class 7, but --label_A 4 has classes 0 to 3"),
        (2, "holds colours"),
    ):
        bad = maps[i]
        assert isinstance(bad, BadImage)
        assert reason in bad.reason


def test_side_by_side_label_maps_are_split_like_images(tmp_path) -> None:
    numbers = np.random.default_rng(0).integers(0, 4, (8, 16), dtype=np.uint8)
    save(tmp_path / "train/a.png", numbers)
    item = dataset(tmp_path, "aligned", input_nc=4, labels=4, output_nc=1)[0]
    assert np.array_equal(item["A"].argmax(0).numpy(), numbers[:, :8])
    assert np.array_equal(item["B"][0].numpy(), numbers[:, 8:])


def test_label_maps_set_the_input_channels_and_refuse_others(capsys) -> None:
    assert train_options("--label_A", "12").model.input_nc == 12
    with pytest.raises(SystemExit):
        train_options("--label_A", "12", "--input_nc", "3")
    assert "--label_A 12 makes as many input channels" in capsys.readouterr().err


def test_a_range_may_begin_with_a_minus_and_must_be_one(capsys) -> None:
    assert train_options("--range_A", "-1,1").data.range_A == "-1,1"
    for text in ("5", "3,2", "a,b", "0,inf", "1,2,3"):
        with pytest.raises(SystemExit):
            train_options("--range_B", text)
        assert "--range_B" in capsys.readouterr().err


def test_transparency_and_several_depths_are_noted_at_the_start(tmp_path, checked) -> None:
    for side in "AB":
        for i in range(3):
            save(tmp_path / f"train{side}/{i}.png", noise(np.uint8, 18, 18, 4 if i == 0 else 3))
    save(tmp_path / "trainA/2.png", noise(np.uint16, 18, 18))
    report = checked(tmp_path, *aligned("--quick"))
    assert any("transparency, which --alpha drop" in found for found in report.findings)
    assert any("of several depths" in found for found in report.findings)


def test_values_outside_the_declared_range_are_counted(tmp_path, checked) -> None:
    for i in range(3):
        tiffs(tmp_path / f"train{'AB'[i % 2]}" / str(i), 1, high=1000)
    words = ["--model", "cycle_gan", "--input_nc", "1", "--output_nc", "1"]
    report = checked(tmp_path, *words, "--range_A", "0,500", "--range_B", "0,1000")
    (warning,) = [found for found in report.findings if "outside" in found]
    assert "outside --range_A 0,500, which are clipped" in warning


def test_deep_images_train_the_same_from_the_cache(tmp_path) -> None:
    tiffs(tmp_path / "d", 3)
    flags = {"preprocess": "resize_and_crop", "augment": True}
    plain = dataset(tmp_path / "d", "single", **flags)[0]["A"]
    cached = dataset(tmp_path / "d", "single", cache=str(tmp_path / "c"), **flags)
    assert torch.equal(cached[0]["A"], plain)
    (entry,) = (path for path in (tmp_path / "c").rglob("*") if path.is_file())
    written = entry.stat().st_ino
    assert torch.equal(cached[0]["A"], plain)
    assert entry.stat().st_ino == written  # it was not made again
