"""Small data sets made on the spot, and whole commands run in this process."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.words import words
from hypothesis import settings
from PIL import Image

# Fixtures that several files use.
pytest_plugins = [
    "helpers.browser",
    "helpers.cityscapes",
    "helpers.doctor",
    "helpers.download",
    "helpers.group",
    "helpers.prepare",
    "helpers.translator",
    "helpers.visdom",
    "helpers.wandb",
    "helpers.warm_python",
]

# Triton's kernels run on a CPU then; read when Triton is imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

settings.register_profile("stable", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("stable")


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """A smooth colourful uint8 picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 16.0
    phase = rng.uniform(0, 6, size=(3, 2))
    waves = [np.sin(x + a) + np.cos(y * 1.3 + b) for a, b in phase]
    return ((np.stack(waves, -1) + 2) * 63.75).astype(np.uint8)


def write_images(
    folder: Path, count: int, height: int = 32, width: int = 32, start: int = 0
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(start, start + count):
        Image.fromarray(picture(i, height, width)).save(folder / f"{i:03d}.png")


@pytest.fixture(scope="session")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train, val, test: 64x32 side-by-side pictures."""
    root = tmp_path_factory.mktemp("paired")
    for phase, count in (("train", 6), ("val", 2), ("test", 3)):
        write_images(root / phase, count, 32, 64)
    return root


@pytest.fixture(scope="session")
def unpaired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """trainA, trainB, testA, testB: 32x32 pictures; more of B than of A."""
    root = tmp_path_factory.mktemp("unpaired")
    for folder, count, start in (
        ("trainA", 5, 0),
        ("trainB", 6, 100),
        ("testA", 2, 200),
        ("testB", 4, 300),
    ):
        write_images(root / folder, count, 32, 32, start)
    return root


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors: threads cost more than they help, and tests run side by side."""
    torch.set_num_threads(1)


torch.set_num_threads(1)  # for what is made for many tests, before the first of them


SMALL = words("--gpu_ids -1 --ngf 4 --load_size 36 --crop_size 32 --num_threads 0")
SMALL_TRAINING = [*SMALL, *words("--ndf 4 --display_id -1 --n_epochs 1 --n_epochs_decay 0")]
