"""Checkpoints: the networks alone, as the original code writes them, and everything, as ours does."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from models import BaseModel
from scripts.dev.benchmarks.steps import build
from scripts.dev.benchmarks.timing import Row, alternating
from util.checkpoints import names
from util.checkpoints.saver import Saver
from util.checkpoints.state import snapshot
from util.training.progress import Progress


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """How long training waits for a checkpoint, and how long the disk works on it meanwhile."""
    model = build(name, device, options)
    for optimizer in model.optimizers.values():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()  # so that there are moments to save
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        saver = Saver(folder, 0, print)
        calls = {
            "plain": lambda: write_plainly(model, folder),
            "waits": lambda: saver.save(snapshot(model, Progress(), {}), ["latest", "1"]),
            "beside": saver.wait,
        }
        times = alternating(calls, device, options.repeats)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return {
        "model": name,
        "written, MB": f"{size:.0f}",
        "plain, s": f"{times['plain']:.2f}",
        "training waits, s": f"{times['waits']:.2f}",
        "the disk works beside, s": f"{times['beside']:.2f}",
    }


def write_plainly(model: BaseModel, folder: Path) -> None:
    """The networks under two labels, straight into their files, while training waits."""
    for label in ("latest", "1"):
        for name, network in model.networks().items():
            weights = {key: value.cpu() for key, value in network.state_dict().items()}
            torch.save(weights, names.network_path(folder, label, name))
