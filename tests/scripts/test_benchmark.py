"""The benchmark compares like with like: the plain steps learn what ours learn."""

from __future__ import annotations

import pytest
import torch

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions
from options.model_options import CUTOptions
from scripts.dev import benchmark
from scripts.dev.benchmarks.plain_steps import PLAIN

pytestmark = pytest.mark.usefixtures("warm")

TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks", "no_dropout": True}
CASES = {
    "pix2pix": Pix2PixOptions(**TINY),
    "cycle_gan": CycleGANOptions(**TINY),
    # all patches, as others draw others; two images, with which PyTorch's norms are right on a CPU
    "cut": CUTOptions(**TINY, num_patches=0, netF_nc=4),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_steps_learn_what_ours_learn(name) -> None:
    ours, copied = (create_model(CASES[name], adam=Adam()).double() for _ in range(2))
    plain = PLAIN[name](copied)
    torch.manual_seed(0)
    for _ in range(3):
        batch = {side: torch.rand(2, 3, 32, 32, dtype=torch.float64) * 2 - 1 for side in "AB"}
        expected, losses = plain.step(batch), ours.train_step(batch).losses
        for key in expected.keys() & losses.keys():
            assert losses[key].item() == pytest.approx(expected[key].item(), rel=1e-6), key
        assert len(expected.keys() & losses.keys()) >= 2


TINY_RUN = ["--ngf", "2", "--gpu_ids", "-1", "--repeats", "1"]


@pytest.mark.parametrize(
    ("words", "column", "rows"),
    [
        (
            ["train", "--size", "32", "--netG", "resnet_6blocks"],
            "ratio",
            ["pix2pix", "cycle_gan", "cut"],
        ),
        (
            ["save", "--netG", "resnet_6blocks"],
            "training waits, s",
            ["pix2pix", "cycle_gan", "cut"],
        ),
        (
            ["data", "--size", "32", "--num_threads", "0"],
            "ratio with --cache",
            ["64 to 32, batch 1"],
        ),
        (["test", "--size", "64", "--netG", "unet_64"], "ratio", ["unet_64, width 2, 64"]),
    ],
)
def test_the_benchmark_prints_a_table(words, column, rows, capsys) -> None:
    assert benchmark.main([*words, *TINY_RUN]) == 0
    head, rule, *lines = capsys.readouterr().out.splitlines()[2:]
    assert column in head
    assert [line.split("|")[1].strip() for line in lines] == rows
    assert rule.count("|") == head.count("|")


def test_files_of_the_slow_path_differ_by_a_grey_level_at_most(capsys) -> None:
    benchmark.main(["test", "--size", "64", "--netG", "unet_64", *TINY_RUN])
    last = capsys.readouterr().out.splitlines()[-1]
    assert int(last.split("|")[-2]) <= 1
