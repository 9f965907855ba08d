"""--log_health: what D thinks, and gradients, are told without changing what is learned."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from helpers.recorder import Rerun
from helpers.runs import assert_same, content, run

from models import Adam, Execution, create_model
from models.cycle_gan_model import CycleGANOptions
from models.engine.cuda_graphs import Graphs
from models.losses import mean_verdict
from models.pix2pix_model import Pix2PixOptions
from util.logs.records import FILE, read_record

TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks", "no_dropout": True}
CYCLE_GAN, PIX2PIX = CycleGANOptions(**TINY, pool_size=0), Pix2PixOptions(**TINY)
NAMES = {
    "pix2pix": {"score_D_real", "score_D_fake", "grad_G", "grad_D"},
    "cycle_gan": {
        *(f"score_D_{side}_{kind}" for side in "AB" for kind in ("real", "fake")),
        "grad_G",
        "grad_D",
    },
}


def batch() -> dict:
    generator = torch.Generator().manual_seed(0)
    A, B = (torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1 for _ in range(2))
    return {"A": A, "B": B, "A_paths": ["a"], "B_paths": ["b"]}


def watched(options):
    return create_model(options, adam=Adam(), execution=Execution(health=True))


@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan"])
def test_health_is_recorded_and_changes_nothing(model, paired, unpaired, tmp_path) -> None:
    root = paired if model == "pix2pix" else unpaired
    often = ["--log_health", "--print_freq", "1"]
    told = run(root, tmp_path, "told", *often, model=model)
    plain = run(root, tmp_path, "plain", model=model)
    assert_same(content(told)["networks"], content(plain)["networks"])
    health = read_record(told / FILE).health
    assert len(health) == len(read_record(told / FILE).losses) > 1
    for _, values in health:
        assert set(values) == NAMES[model]
        assert all(math.isfinite(value) for value in values.values())
    assert not read_record(plain / FILE).health


@pytest.mark.parametrize("gan_mode", ["lsgan", "vanilla", "hinge"])
def test_scores_are_what_the_discriminator_said_of_the_step(gan_mode) -> None:
    model = watched(Pix2PixOptions(**TINY, norm="instance", gan_mode=gan_mode))
    D, images = copy.deepcopy(model.D), batch()
    step = model.train_step(images)
    for name, B in (("real", images["B"]), ("fake", step.visuals["fake_B"])):
        logits = D(torch.cat([images["A"], B], dim=1))
        expected = mean_verdict(logits, gan_mode)
        torch.testing.assert_close(step.health[f"score_D_{name}"], expected.detach())


def test_a_verdict_is_a_probability_only_with_the_vanilla_loss() -> None:
    logits = torch.tensor([0.0, math.log(3)])
    assert mean_verdict(logits, "vanilla") == pytest.approx((0.5 + 0.75) / 2)
    assert mean_verdict(logits, "lsgan") == pytest.approx(math.log(3) / 2)


def test_the_gradient_s_norm_is_taken_over_all_weights_of_an_optimizer() -> None:
    model = watched(CYCLE_GAN)
    step = model.train_step(batch())
    for name in ("G", "D"):
        networks = [net for label, net in model.networks().items() if label.startswith(name)]
        squares = sum(float(p.grad.square().sum()) for net in networks for p in net.parameters())
        assert float(step.health[f"grad_{name}"]) == pytest.approx(math.sqrt(squares), rel=1e-5)


def test_norms_of_scaled_gradients_are_those_before_scaling() -> None:
    plain, scaled = watched(PIX2PIX), watched(PIX2PIX)
    scaled.scalers = {name: torch.amp.GradScaler("cpu") for name in scaled.optimizers}
    expected, step = plain.train_step(batch()), scaled.train_step(batch())
    torch.testing.assert_close(step.health, expected.health)
    assert_same(dict(scaled.state_dict()), dict(plain.state_dict()))


@pytest.mark.parametrize("options", [CYCLE_GAN, PIX2PIX], ids=["cycle_gan", "pix2pix"])
def test_recorded_steps_have_health_too(options) -> None:
    recorded, plain = watched(options), watched(options)
    recorded.graphs = Graphs(recorded, lambda: Rerun(recorded))
    for _ in range(6):
        torch.testing.assert_close(
            recorded.train_step(batch()).health, plain.train_step(batch()).health
        )
    assert recorded.graphs.works


def test_unwatched_steps_compute_none_of_it(monkeypatch) -> None:
    model = create_model(PIX2PIX, adam=Adam())
    for name in ("models.engine.optimization.gradient_norm", "models.gan_model.mean_verdict"):
        monkeypatch.setattr(name, None)
    assert model.train_step(batch()).health == {}
