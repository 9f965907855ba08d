"""Small clean data sets, and what the doctor says of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL_TRAINING
from PIL import Image

from helpers.words import words
from scripts import check_dataset

SCRIPT = Path(check_dataset.__file__)
# A generator and a discriminator that take 16 pixels, in steps of 4.
SMALLEST = words(*SMALL_TRAINING, "--netG resnet_6blocks --netD pixel")
SIZES = words("--load_size 18 --crop_size 16")


def photo(seed: int, height: int = 16, width: int = 16) -> np.ndarray:
    """Rough and colourful, unlike any other seed's: uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-25, 26, (height, width, 3))
    return (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def pair(seed: int) -> np.ndarray:
    return np.concatenate([photo(seed), photo(1000 + seed)], axis=1)


def clean_pairs(root: Path, train: int = 6) -> Path:
    for phase, count, start in (("train", train, 0), ("val", 2, 100), ("test", 3, 200)):
        for i in range(start, start + count):
            save(root / phase / f"{i:03d}.png", pair(i))
    return root


def clean_folders(root: Path, phases: tuple[str, ...] = ("train", "test")) -> Path:
    for n, name in enumerate(f"{phase}{side}" for phase in phases for side in "AB"):
        for i in range(4):
            save(root / name / f"{i}.png", photo(100 * n + i))
    return root


class Checked:
    """The report of a run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture, root: Path, *flags: str) -> None:
        self.status = check_dataset.main(["--dataroot", str(root), *SMALLEST, *SIZES, *flags])
        self.text = capsys.readouterr().out
        self.findings = re.findall(r"^  ((?:error|warning|note): .*)$", self.text, re.M)

    def one(self, start: str) -> str:
        """The one finding there is, from its severity on."""
        assert len(self.findings) == 1, self.text
        assert self.findings[0].startswith(start), self.text
        return self.findings[0]


@pytest.fixture
def checked(capsys):
    return lambda root, *flags: Checked(capsys, root, *flags)


def aligned(*flags: str) -> list[str]:
    return words("--model pix2pix --dataset_mode aligned", *flags)
