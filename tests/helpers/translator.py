"""Small trained runs, and test.py's results of them, to compare translations with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import test as test_script
from helpers.runs import run
from helpers.words import words
from models import Translator, load_translator
from models.networks import define_G
from util.checkpoints import files as checkpoint

TINY = ("--ngf", "2", "--ndf", "2")


@pytest.fixture(scope="session")
def checkpoints(paired: Path, unpaired: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: pix2pix with batch norm, "plain" without dropout and "noisy" with it; a CycleGAN, "cycle"."""
    folder = tmp_path_factory.mktemp("runs")
    batch = ("--norm", "batch", *TINY)
    run(paired, folder, "plain", "--no_dropout", "--direction", "BtoA", *batch)
    run(paired, folder, "noisy", *batch)
    validated = ("--val_freq", "1", "--val_phase", "test", "--ema", "0.9")
    run(unpaired, folder, "cycle", *TINY, *validated, model="cycle_gan")
    return folder


def results_of(
    checkpoints: Path, out: Path, root: Path, name: str, model: str, *flags: str
) -> Path:
    """What test.py makes: the folder of images."""
    where = words("--dataroot", root, "--checkpoints_dir", checkpoints, "--name", name)
    where += words("--model", model, "--results_dir", out, "--gpu_ids -1", *flags)
    assert test_script.main(where) == 0
    (page,) = (out / name).glob("*/index.html")
    return page.parent / "images"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="session")
def cycle(checkpoints: Path) -> Translator:
    return load_translator(checkpoints / "cycle", device="cpu")


def bare(path: Path, input_nc: int = 3, output_nc: int = 3, **more) -> Path:
    """A weights file of an untrained generator."""
    flags = {"ngf": 2, "netG": "resnet_6blocks", "norm": "instance", "init_gain": 0.2, **more}
    checkpoint.save(path, define_G(input_nc, output_nc, **flags).state_dict())
    return path
