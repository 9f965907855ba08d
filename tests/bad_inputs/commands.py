"""The commands that the kinds are tried with, as small as they can be.

What the user has lies in folder/"given", runs in folder/"checkpoints", results in folder/"results".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import SMALL_TRAINING, write_images

import test as test_script
import train
from models.networks import define_G
from util.checkpoints import files as checkpoint

TINY = ["--ngf", "1", "--ndf", "1", "--netG", "resnet_6blocks", "--norm", "instance"]
SMALL_G = {"input_nc": 3, "output_nc": 3, "ngf": 1, "netG": "resnet_6blocks", "norm": "instance"}


def words(folder: Path, root: Path | str | None, name: str) -> list[str]:
    """The flags that say where everything lies. root: None is folder/given."""
    return [
        f"--dataroot={folder / 'given' if root is None else root}",
        f"--name={name}",
        f"--checkpoints_dir={folder / 'checkpoints'}",
    ]


def train_run(
    folder: Path, *flags: str, model: str = "pix2pix", root: Path | str | None = None, name="run"
) -> int:
    """One epoch of the smallest networks."""
    given = words(folder, root, name)
    return train.main([*given, "--model", model, *SMALL_TRAINING, *TINY, *flags])


def translate(
    folder: Path, *flags: str, model: str = "test", root: Path | str | None = None, name="run"
) -> int:
    """Tests the weights of the run on images of any size."""
    place = ["--results_dir", str(folder / "results"), "--gpu_ids", "-1", "--preprocess", "none"]
    return test_script.main([*words(folder, root, name), "--model", model, *place, *flags])


def weights(
    folder: Path, *, name: str = "run", label: str = "latest_net_G", **changes: Any
) -> Path:
    """Writes a generator's weights file into the run's folder."""
    path = folder / "checkpoints" / name / f"{label}.pth"
    checkpoint.save(path, define_G(**{**SMALL_G, **changes}).state_dict())
    return path


def pairs(folder: Path, count: int = 2) -> Path:
    """given/train: side-by-side pictures of 64x32 pixels."""
    write_images(folder / "given/train", count, 32, 64)
    return folder / "given"


def two_folders(folder: Path, A: int = 2, B: int = 2) -> Path:
    """given/trainA and given/trainB: pictures of 32x32 pixels."""
    write_images(folder / "given/trainA", A)
    write_images(folder / "given/trainB", B, start=100)
    return folder / "given"
