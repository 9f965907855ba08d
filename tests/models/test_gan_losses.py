"""Losses of training steps: their kinds, their weights, and which networks learn from them."""

from __future__ import annotations

import copy

import pytest
import torch
from helpers.model import batch, changed, cycle_gan, pix2pix


@pytest.mark.parametrize(
    ("flags", "zero"),
    [
        ({"lambda_identity": 0.0}, {"idt_A", "idt_B"}),
        ({"lambda_A": 0.0}, {"cycle_A", "idt_B"}),
        ({"lambda_B": 0.0}, {"cycle_B", "idt_A"}),
    ],
)
def test_losses_can_be_switched_off(flags, zero) -> None:
    losses = cycle_gan(**flags).train_step(batch()).losses
    assert {name for name, value in losses.items() if value == 0} == zero


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
@pytest.mark.parametrize("gan_mode", ["lsgan", "vanilla", "hinge"])
def test_gan_modes_train(make, gan_mode) -> None:
    losses = make(gan_mode=gan_mode).train_step(batch()).losses
    assert all(torch.isfinite(value) for value in losses.values())


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_wgangp_has_its_penalty_and_trains_g_only_after_its_critic_steps(make) -> None:
    model = make(gan_mode="wgangp", n_critic=3, norm="instance")
    moved = [changed(model, lambda: model.train_step(batch())) for _ in range(6)]
    D = {name for name in model.networks() if name.startswith("D")}
    assert moved == [D, D, set(model.networks())] * 2

    def first_D_loss(weight: float) -> float:
        losses = (
            make(gan_mode="wgangp", norm="instance", lambda_gp=weight).train_step(batch()).losses
        )
        return float(losses["D_gp"] if "D_gp" in losses else losses["D_A"])

    assert first_D_loss(10.0) - first_D_loss(0.0) > 0.05


def test_without_a_weight_for_its_gan_loss_pix2pix_is_plain_regression() -> None:
    model, images = pix2pix(lambda_GAN=0.0, lambda_L1=1.0, no_dropout=True), batch()
    plain = copy.deepcopy(model.G)
    plain_adam = torch.optim.Adam(plain.parameters(), lr=0.0002, betas=(0.5, 0.999))
    step = model.train_step(images)
    loss = (plain(images["A"]) - images["B"]).abs().mean()
    loss.backward()
    plain_adam.step()

    assert set(model.networks()) == {"G"}
    assert set(step.losses) == {"G_L1"}
    torch.testing.assert_close(step.losses["G_L1"], loss.detach())
    for ours, theirs in zip(model.G.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("gan_mode", ["lsgan", "wgangp"])
def test_without_a_weight_for_its_gan_loss_cyclegan_trains_its_cycles_alone(gan_mode) -> None:
    model = cycle_gan(lambda_GAN=0.0, gan_mode=gan_mode, n_critic=2)
    assert set(model.networks()) == {"G_A", "G_B"}
    losses: dict[str, torch.Tensor] = {}
    moved = changed(model, lambda: losses.update(model.train_step(batch()).losses))
    assert moved == {"G_A", "G_B"}
    assert {"cycle_A", "cycle_B"} <= losses.keys() <= {"cycle_A", "cycle_B", "idt_A", "idt_B"}


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_the_weight_of_the_gan_loss_scales_it(make) -> None:
    once, thrice = (make(lambda_GAN=weight).train_step(batch()).losses for weight in (1.0, 3.0))
    name = "G_GAN" if "G_GAN" in once else "G_A"
    torch.testing.assert_close(thrice[name], 3 * once[name])


def test_squared_reconstruction_differs_from_absolute() -> None:
    l1 = pix2pix().train_step(batch()).losses["G_L1"]
    l2 = pix2pix(loss_reconstruction="l2").train_step(batch()).losses["G_L1"]
    fresh = pix2pix()
    torch.manual_seed(0)
    assert l1 != l2
    assert fresh.train_step(batch()).losses["G_L1"] == l1  # the same seed gives the same weights
