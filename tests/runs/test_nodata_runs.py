"""Images with missing pixels, from training to results in files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import SMALL, SMALL_TRAINING
from helpers import translate_script
from helpers.words import words

import test as test_script
import train as train_script
from models import load_translator

FLAGS = words(
    "--model pix2pix --input_nc 2 --output_nc 1 --netG resnet_6blocks --norm instance --no_dropout"
)


def scene(folder: Path, name: str, channels: int, nodata: float, seed: int) -> np.ndarray:
    """Writes floats around 100 with a corner without data."""
    folder.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).random((40, 48, channels)).astype(np.float32) * 50 + 75
    array[:12, :20] = nodata
    tifffile.imwrite(
        folder / name,
        array.squeeze(),
        photometric="minisblack",
        planarconfig="contig" if channels > 1 else None,
    )
    return array


@pytest.fixture(scope="module", params=["nan", "-9999"])
def home(request, tmp_path_factory) -> tuple[Path, float]:
    """A trained run, and the value of its missing pixels."""
    home = tmp_path_factory.mktemp("nodata")
    value = float(request.param)
    for phase in ("train", "val", "test"):
        for i in range(2):
            scene(home / f"d/{phase}A", f"{i}.tif", 2, value, i)
            scene(home / f"d/{phase}B", f"{i}.tif", 1, value, i + 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        flags = words("--dataroot d --name r --range_A measure --range_B measure --val_freq 1")
        flags += ["--nodata", request.param, "--preprocess", "crop"]
        assert train_script.main([*flags, *FLAGS, *SMALL_TRAINING]) == 0
        assert test_script.main(words("--dataroot d --name r --model pix2pix", *SMALL)) == 0
    return home, value


def missing(array: np.ndarray, value: float) -> np.ndarray:
    return np.isnan(array) if math.isnan(value) else array == value


def test_missing_pixels_are_missing_in_results_and_nowhere_else(home) -> None:
    root, value = home
    result = tifffile.imread(root / "results/r/test_latest/values/0_fake_B.tif")
    expected = np.zeros((40, 48), bool)
    expected[:12, :20] = True
    assert result.dtype == np.float32
    assert np.array_equal(missing(result, value), expected)
    truth = tifffile.imread(root / "results/r/test_latest/values/0_real_B.tif")
    own = tifffile.imread(root / "d/testB/0.tif")
    assert np.allclose(truth, own, equal_nan=True, rtol=1e-6)


def test_translations_are_the_same_in_one_piece_in_tiles_and_from_arrays(home) -> None:
    root, value = home
    runs, source = root / "checkpoints", root / "d/testA"
    assert translate_script.run(runs, source, root / "whole", name="r") == 0
    assert translate_script.run(runs, source, root / "tiles", "--tile", "16", name="r") == 0
    tested = tifffile.imread(root / "results/r/test_latest/values/0_fake_B.tif")
    whole, tiles = (tifffile.imread(root / kind / "0.tif") for kind in ("whole", "tiles"))
    translator = load_translator(runs / "r", device="cpu")
    array = translator(tifffile.imread(source / "0.tif"))[..., 0]
    for found in (whole, tiles, array):
        assert np.array_equal(missing(found, value), missing(tested, value))
        assert np.allclose(found, tested, equal_nan=True, atol=1e-2)


def test_models_that_would_learn_from_missing_pixels_refuse_the_flag(home, monkeypatch) -> None:
    monkeypatch.chdir(home[0])
    flags = words("--dataroot d --name other --model cut --nodata nan --input_nc 2 --output_nc 1")
    with pytest.raises(Exception, match="--nodata does not work with --model cut"):
        train_script.main([*flags, *SMALL_TRAINING])
