"""Small trainings in this process, and comparing what they leave, to the last bit."""

from __future__ import annotations

from pathlib import Path

import torch
from conftest import SMALL_TRAINING

import train
from helpers.words import words
from util.checkpoints import files as checkpoint
from util.checkpoints import names

ROOT = Path(__file__).parents[2]


def run(root: Path, out: Path, name: str, *flags: str, model: str = "pix2pix") -> Path:
    where = words("--dataroot", root, "--checkpoints_dir", out, "--model", model)
    assert (
        train.main(
            [*where, "--name", name, *words("--netG resnet_6blocks", *SMALL_TRAINING, *flags)]
        )
        == 0
    )
    return out / name


def content(folder: Path) -> dict:
    """Everything that a state holds but the flags, comparable."""
    state = checkpoint.load(folder / names.STATE_FILE)
    del state["flags"]
    return state


def assert_same(a, b, where: str = "") -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}/{i}")
    elif torch.is_tensor(a):
        assert torch.equal(a, b), where
    else:
        assert a == b, where
