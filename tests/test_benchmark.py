"""The benchmark compares like with like: the plain steps learn what ours learn."""

from __future__ import annotations

import pytest
import torch

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions
from scripts import benchmark
from scripts.plain import PLAIN

TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks", "no_dropout": True}
CASES = {
    "pix2pix": Pix2PixOptions(**TINY),
    "cycle_gan": CycleGANOptions(**TINY),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_steps_learn_what_ours_learn(name) -> None:
    ours, copied = (create_model(CASES[name], adam=Adam()).double() for _ in range(2))
    plain = PLAIN[name](copied)
    torch.manual_seed(0)
    for _ in range(3):
        batch = {side: torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1 for side in "AB"}
        expected, losses = plain.step(batch), ours.train_step(batch).losses
        for key in expected.keys() & losses.keys():
            assert losses[key].item() == pytest.approx(expected[key], rel=1e-6), key
        assert len(expected.keys() & losses.keys()) >= 2


@pytest.mark.parametrize(
    ("words", "column"), [(["train", "--size", "32"], "ratio"), (["save"], "training waits, s")]
)
def test_the_benchmark_prints_a_table(words, column, capsys) -> None:
    tiny = ["--ngf", "2", "--netG", "resnet_6blocks", "--gpu_ids", "-1", "--repeats", "1"]
    assert benchmark.main([*words, *tiny]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()[2:]
    assert column in head
    assert [row.split("|")[1].strip() for row in rows] == ["pix2pix", "cycle_gan"]
    assert rule.count("|") == head.count("|")
