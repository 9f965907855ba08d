"""Runs that older versions have left are continued and tested: tests/old_runs/README.md."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from old_runs.make import EPOCHS, HERE, RUNS, picture, result_words, words, write_data
from PIL import Image

import test as test_script
import train
from models import load_translator


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_data(root)
    return root


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy of all runs, which may be written to."""
    for name in RUNS:
        folder = shutil.copytree(HERE / name, tmp_path / "runs" / name)
        for network in folder.glob("latest_net_G*.pth"):
            shutil.copy(network, folder / network.name.replace("latest", "before"))
    return tmp_path / "runs"


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_continues_to_the_weights_that_the_old_code_reaches(name, data, runs) -> None:
    assert train.main([*words(name, RUNS[name], data, runs), "--continue_train"]) == 0
    network = "G_A" if name == "cycle_gan" else "G"
    shutil.copy(HERE / name / "ended.pth", runs / name / f"ended_net_{network}.pth")
    channels = 1 if name == "colorization" else 3
    image = torch.from_numpy(picture(30, 64, 64)).permute(2, 0, 1)[None, :channels] / 127.5 - 1
    reached, wanted, stopped = (
        load_translator(runs / name, epoch=epoch, use_ema=False, device="cpu")(image)
        for epoch in (EPOCHS, "ended", "before")
    )
    # On one processor both are the same to the last bit. On another, rounding moves the mean by up to 0.0007; a lost
    # Adam state, image pool or place in the order by 0.02 and more.
    assert abs(reached - wanted).mean() < 0.004
    assert abs(stopped - wanted).mean() > 0.02


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_is_tested_with_the_pixels_of_the_old_code(name, data, runs, tmp_path) -> None:
    assert test_script.main(result_words(name, data, runs, tmp_path / "results")) == 0
    (image,) = (tmp_path / "results" / name).glob("test_*/images/*fake_B*")
    made, wanted = (
        np.asarray(Image.open(path)).astype(int) for path in (image, HERE / name / "tested.png")
    )
    assert abs(made - wanted).max() <= 1
