"""A generator gives the same values whichever way it is used: test.py, scripts/translate.py, load_translator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from conftest import SMALL, SMALL_TRAINING, picture, write_images
from helpers.translate_script import run
from helpers.words import words
from PIL import Image

import test as test_script
import train as train_script
from models import load_translator
from util.errors import InputError
from util.images.write import write_values

pytest.importorskip("imagecodecs")
NETWORK = words("--netG resnet_6blocks --norm instance --ngf 2 --ndf 2")
CPU = SMALL[:2]
RUNS = {
    "bands": words("--model pix2pix --no_dropout --input_nc 5 --output_nc 1"),
    "deep": words("--model cycle_gan --output_nc 2"),
    "labels": words("--model pix2pix --no_dropout --label_A 4"),
}
RANGES = {
    "bands": words("--range_A 0,10000 --range_B 0,65535"),
    "deep": words("--range_B 0,4095"),
    "labels": [],
}


def tiffs(folder: Path, channels: int, high: int) -> None:
    for i in range(2):
        array = np.random.default_rng(i).integers(0, high, (36, 44, channels), dtype=np.uint16)
        write_values(folder / f"{i}.tif", array)


def make(root: Path, name: str) -> None:
    for phase in ("train", "test"):
        A, B = root / f"{phase}A", root / f"{phase}B"
        if name == "bands":
            tiffs(A, 5, 10001)
            tiffs(B, 1, 65536)
        elif name == "deep":
            write_images(A, 2, 36, 44)
            tiffs(B, 2, 4096)
        else:
            write_images(B, 2, 36, 44)
            A.mkdir()
            for i in range(2):
                classes = np.random.default_rng(i).integers(0, 4, (9, 11), dtype=np.uint8)
                Image.fromarray(classes.repeat(4, 0).repeat(4, 1)).save(A / f"{i:03d}.png")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/NAME, checkpoints/NAME, and results/NAME of test.py."""
    home = tmp_path_factory.mktemp("values")
    for name, flags in RUNS.items():
        make(home / "data" / name, name)
        common = ["--dataroot", str(home / "data" / name), "--name", name]
        common += ["--checkpoints_dir", str(home / "checkpoints")]
        line = [*common, *flags, *RANGES[name], *SMALL_TRAINING, *NETWORK]
        assert train_script.main(line) == 0
        results = words("--results_dir", home / "results", "--preprocess none")
        assert test_script.main([*common, *results, *flags[:2], *CPU]) == 0
    return home


def array_of(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as file:
        return np.asarray(file)


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """But for what rounding makes of other orders of sums."""
    assert one.shape == other.shape
    assert one.dtype == other.dtype
    return int(np.abs(one.astype(int) - other.astype(int)).max()) <= 1


@pytest.mark.parametrize(
    ("name", "direction", "made"),
    [
        ("bands", "AtoB", "values/{}_fake_B.tif"),
        ("deep", "AtoB", "values/{}_fake_B.tif"),
        ("deep", "BtoA", "images/{}_fake_A.png"),
        ("labels", "AtoB", "images/{}_fake_B.png"),
    ],
)
def test_files_and_arrays_become_what_test_py_makes_of_them(
    home, tmp_path, name, direction, made
) -> None:
    inputs = home / "data" / name / f"test{direction[0]}"
    flags = ["--direction", direction]
    assert run(home / "checkpoints", inputs, tmp_path, *flags, name=name) == 0
    t = load_translator(home / "checkpoints" / name, direction=direction, device="cpu")
    files = sorted(inputs.iterdir())
    assert len(files) == 2
    for file in files:
        tested = array_of(home / "results" / name / "test_latest" / made.format(file.stem))
        (result,) = tmp_path.glob(f"{file.stem}.*")
        translated, called = array_of(result), t(array_of(file))
        called = called[..., 0] if called.shape[2:] == (1,) else called
        assert np.ptp(tested.astype(int)) > 10
        assert close(translated, tested)
        assert close(called, tested)


def test_a_tiff_that_is_read_and_written_in_tiles_has_the_same_values(
    home, tmp_path, monkeypatch
) -> None:
    def whole(*args) -> None:
        raise AssertionError("held in memory as a whole")

    monkeypatch.setattr("scripts.lib.translation.values.FileValues.read", whole)
    for name, direction in (("bands", "AtoB"), ("deep", "BtoA")):
        file = home / "data" / name / f"test{direction[0]}/0.tif"
        target = tmp_path / f"{name}.tif"
        flags = ["--direction", direction, "--tile", "16"]
        assert run(home / "checkpoints", file, target, *flags, name=name) == 0
        with tifffile.TiffFile(target) as written:
            assert written.pages[0].is_tiled
        t = load_translator(home / "checkpoints" / name, direction=direction, device="cpu")
        expected = t(array_of(file))
        expected = expected[..., 0] if expected.shape[2:] == (1,) else expected
        assert close(tifffile.imread(target), expected)


def test_without_options_json_the_values_can_be_declared(home, tmp_path) -> None:
    weights = tmp_path / "bands.pth"
    weights.write_bytes((home / "checkpoints/bands/latest_net_G.pth").read_bytes())
    source = home / "data/bands/testA/0.tif"
    declared = dict(zip(("range_A", "range_B"), RANGES["bands"][1::2], strict=True))
    known = load_translator(home / "checkpoints/bands", device="cpu")
    t = load_translator(weights, device="cpu", **declared)
    assert np.array_equal(t(array_of(source)), known(array_of(source)))
    from scripts import translate

    out, line = tmp_path / "0.npy", words("--weights", weights, "--gpu_ids -1")
    with pytest.raises(InputError, match="takes 5 channels, .* declare --range_A"):
        translate.main([str(source), str(out), *line])
    assert translate.main([str(source), str(out), *line, *RANGES["bands"]]) == 0
    assert close(np.load(out), known(array_of(source))[..., 0])


def test_results_that_a_file_cannot_hold_are_refused_before_anything_is_computed(
    home, tmp_path, capsys
) -> None:
    inputs = home / "data/deep/testA"
    with pytest.raises(InputError, match="PNG files hold .* not 2 channels of 0,4095"):
        run(home / "checkpoints", inputs, tmp_path, "--format png", name="deep")
    assert list(tmp_path.iterdir()) == []
    assert run(home / "checkpoints", inputs, tmp_path, "--format npy", name="deep") == 0
    assert np.load(tmp_path / "000.npy").dtype == np.uint16
    with pytest.raises(InputError, match="does not end in .bmp"):
        run(home / "checkpoints", inputs / "000.png", tmp_path / "a.npz", name="deep")


def test_a_picture_comes_back_as_one_and_its_classes_are_numbers(home) -> None:
    t = load_translator(home / "checkpoints/labels", device="cpu")
    file = home / "data/labels/testA/000.png"
    classes = array_of(file)
    assert np.array_equal(np.asarray(t(file)), t(classes))
    for wrong, message in (
        (np.full_like(classes, 4), "the image has the class 4, but --label_A 4 has classes 0 to 3"),
        (picture(0, 8, 8), "the image has 3 channels where 4 are needed"),
    ):
        with pytest.raises(ValueError, match=message):
            t(wrong)


def test_values_that_cannot_be_meant_are_refused(home) -> None:
    t = load_translator(home / "checkpoints/bands", device="cpu")
    with pytest.raises(ValueError, match="the image holds 8 bits, which is less than --range_A"):
        t(np.zeros((8, 8, 5), np.uint8))
    with pytest.raises(ValueError, match="infinite values or NaN"):
        t(np.full((8, 8, 5), np.nan))
    for more, message in (
        ({"alpha": "grey"}, "alpha 'grey' is unknown"),
        ({"label_A": 3}, "label_A 3 does not fit: the network takes 5 channels"),
        ({"range_A": "5"}, "--range_A '5' is neither auto nor two numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            load_translator(home / "checkpoints/bands", device="cpu", **more)


def test_transparency_is_laid_on_what_the_training_had(checkpoints, tmp_path) -> None:
    image = np.dstack([picture(1, 20, 24), np.zeros((20, 24), np.uint8)])
    Image.fromarray(image).save(tmp_path / "clear.png")
    t = load_translator(checkpoints / "cycle", device="cpu", alpha="white")
    white = t(np.full((20, 24, 3), 255, np.uint8))
    assert np.array_equal(np.asarray(t(tmp_path / "clear.png")), white)
    out = tmp_path / "out.png"
    assert run(checkpoints, tmp_path / "clear.png", out, "--alpha white") == 0
    assert np.array_equal(array_of(out), white)


def test_tiles_give_the_same_and_blended_ones_nearly(home, tmp_path) -> None:
    checkpoints = home / "checkpoints"
    write_images(tmp_path / "in", 1, 190, 190)  # more than a tile and its surroundings
    source = tmp_path / "in/000.png"
    flags = {
        "whole": [],
        "exact": words("--tile 64"),
        "blend": words("--tile 64 --tile_mode blend"),
    }
    for name, line in flags.items():
        assert run(checkpoints, source, tmp_path / f"{name}.npy", *line, name="deep") == 0
    whole, exact, blend = (np.load(tmp_path / f"{name}.npy") for name in flags)
    assert close(exact, whole)
    assert not close(blend, whole)
    t = load_translator(checkpoints / "deep", device="cpu", tile=64, tile_mode="blend")
    assert close(t(array_of(source)), blend)
    for more, message in (({"tile": -1}, "tile -1"), ({"tile_mode": "odd"}, "choose from exact")):
        with pytest.raises(ValueError, match=message):
            load_translator(checkpoints / "deep", device="cpu", **more)


@pytest.mark.parametrize("name", ["bands", "deep"])
def test_results_say_how_files_of_truths_are_read(home: Path, name: str) -> None:
    from scripts.lib.evaluation.result_folders import read, read_run

    run = read_run(home / "results" / name)
    truths = sorted((home / "data" / name / "testB").iterdir())
    for path, shown in zip(truths, run.files["real_B"].values(), strict=True):
        assert torch.equal(read(run.file(path, "B")), read(shown))
