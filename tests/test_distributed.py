"""Two processes equal one that sees both their images."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions

ROOT = Path(__file__).parent.parent
TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks", "pool_size": 0, "no_dropout": True}
CASES = {
    "pix2pix": Pix2PixOptions(**{**TINY, "norm": "syncbatch"}),
    "cycle_gan": CycleGANOptions(**{**TINY, "norm": "instance"}),
}


def steps(model, images: list[torch.Tensor]) -> dict[str, float]:
    losses = {}
    for A, B in zip(images[::2], images[1::2], strict=True):
        losses = model.train_step({"A": A, "B": B}).losses
    return losses


def make(name: str):
    return create_model(CASES[name], adam=Adam(lr=0.001), seed=1).double()


def make_images() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=generator) for _ in range(6)]


WORKER = """
import sys, torch
sys.path[:0] = sys.argv[2:]
from test_distributed import make, make_images, steps
from util import distributed
from util.processes import process_group
with process_group():
    rank, saved = distributed.rank(), {}
    for name in ("pix2pix", "cycle_gan"):
        model = make(name)
        losses = steps(model, [batch[rank : rank + 1] for batch in make_images()])
        saved[name] = {"losses": distributed.mean(losses), "weights": model.state_dict()}
    torch.save(saved, f"{sys.argv[1]}/{rank}.pt")
"""


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "worker.py").write_text(WORKER)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    script = [str(folder / "worker.py"), str(folder), str(ROOT), str(ROOT / "tests")]
    done = subprocess.run(
        [sys.executable, *command, *script], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("name", CASES)
def test_two_processes_learn_what_one_learns_from_the_whole_batch(name, two_processes) -> None:
    model = make(name)
    losses = steps(model, make_images())
    for rank in two_processes:
        for key, value in losses.items():
            assert rank[name]["losses"][key] == pytest.approx(value.item(), rel=1e-9), key
        for key, value in model.state_dict().items():
            # Biases in front of instance norm have no gradient but rounding, which Adam scales up.
            torch.testing.assert_close(rank[name]["weights"][key], value, rtol=1e-9, atol=1e-8)
