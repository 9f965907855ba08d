"""Exports by the script itself, and weights to export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from helpers.words import words
from models.networks import define_G
from scripts import export
from util.checkpoints import files as checkpoint


def exported(
    checkpoints: Path, out: Path, name: str, *flags: str, status: int = 0
) -> list[dict[str, Any]]:
    """Runs scripts/export.py; returns the certificates in the folder."""
    line = ["--checkpoints_dir", str(checkpoints), "--name", name, "--out", str(out), *flags]
    assert export.main(line) == status
    return [json.loads(file.read_text()) for file in sorted(out.glob("*.certificate.json"))]


def export_weights(weights: Path, out: Path, images: Path, *flags: str) -> dict[str, Any]:
    """Exports a file of weights; returns the one certificate."""
    line = words("--weights", weights, "--out", out, "--images", images, *flags)
    assert export.main(words(*line, "--num_test 2")) == 0
    (file,) = out.glob("*.certificate.json")
    return json.loads(file.read_text())


def tiny_weights(path: Path, netG: str, norm: str, *, ngf: int = 2, dropout: bool = False) -> Path:
    """Of an untrained generator whose layers neither blow up nor fade."""
    torch.manual_seed(0)
    checkpoint.save(path, define_G(3, 3, ngf, netG, norm, dropout, init_gain=0.2).state_dict())
    return path
