"""test.py with a pix2pix generator: image by image, against ours."""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import test
from data.held_out import open_held_out
from models import Execution, create_model
from options.test_options import TestOptions
from scripts.dev.benchmarks.pictures import write_pictures
from scripts.dev.benchmarks.plain_images import translate_pairs
from scripts.dev.benchmarks.plain_steps import plain_networks
from scripts.dev.benchmarks.timing import Row, alternating

PAIRS = 32
GPU_PAIRS = 256  # of ours, which takes as long for them as plain for the others


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Pairs a second from files to files and page, the model being loaded; and whether the files agree."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = Path(folder)
        pairs = {"plain": PAIRS, "default": GPU_PAIRS if device.type == "cuda" else PAIRS}
        written, width = root / "images/test", 2 * options.size
        paths = write_pictures(written, pairs["default"], width, options.size)[:PAIRS]
        flags = f"--dataroot {root}/images --checkpoints_dir {root} --results_dir {root}/results "
        flags += (
            f"--name run --model pix2pix --load_size {options.size} --crop_size {options.size} "
        )
        flags += f"--ngf {options.ngf} --netG {options.netG or 'unet_256'} --no_dropout"
        (root / "run").mkdir()
        told = TestOptions.parse(flags.split())
        plain = create_model(told.model)
        ours = create_model(told.model, execution=Execution(device))
        for model in (plain, ours):
            vary(model)
        network = plain_networks(plain)["G"].to(device).train()

        def run_ours() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                dataset = open_held_out(told.data, told.model, told.run.phase, told.run.seed)
                test.test(ours.train(), dataset, told, device)

        calls = {
            "plain": lambda: translate_pairs(network, paths, options.size, root / "plain"),
            "default": run_ours,
        }
        times = alternating(calls, device, options.repeats)
        rates = {kind: pairs[kind] / taken for kind, taken in times.items()}
        written = told.result_folder / "images"
        differences = [
            np.abs(levels(file) - levels(written / file.name)).max()
            for file in (root / "plain").iterdir()
        ]
    return {
        "generator": f"{told.model.netG}, width {options.ngf}, {options.size}",
        **{f"{kind}, pairs/s": f"{rate:.2f}" for kind, rate in rates.items()},
        "ratio": f"{rates['default'] / rates['plain']:.2f}",
        "largest difference, grey levels": str(max(differences)),
    }


def vary(model: nn.Module) -> None:
    """Weights that make pictures of all grey levels; a fresh network's are flat."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight)


def levels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)
