"""Training steps and translations: what is logged, what is shown, which weights move."""

from __future__ import annotations

import logging

import pytest
import torch
from helpers.model import TINY, batch, changed, cycle_gan, pix2pix

from models import Adam, create_model
from models.colorization_model import ColorizationOptions, lab_to_rgb
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions
from models.template_model import TemplateOptions
from models.test_model import TestModelOptions
from util.errors import InputError


def test_pix2pix_logs_and_shows_what_it_always_has() -> None:
    step = pix2pix().train_step(batch())
    assert list(step.losses) == ["G_GAN", "G_L1", "D_real", "D_fake"]
    assert list(step.visuals) == ["real_A", "fake_B", "real_B"]
    assert not any(t.requires_grad for t in (*step.losses.values(), *step.visuals.values()))


def test_cycle_gan_logs_and_shows_what_it_always_has() -> None:
    step = cycle_gan().train_step(batch())
    assert list(step.losses) == [
        "D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B",
    ]  # fmt: skip
    assert list(step.visuals) == [
        "real_A", "fake_B", "rec_A", "idt_B", "real_B", "fake_A", "rec_B", "idt_A",
    ]  # fmt: skip
    assert not any(t.requires_grad for t in (*step.losses.values(), *step.visuals.values()))


def test_a_step_trains_every_network() -> None:
    model = pix2pix()
    assert changed(model, lambda: model.train_step(batch())) == {"G", "D"}
    model = cycle_gan()
    assert changed(model, lambda: model.train_step(batch())) == {"G_A", "G_B", "D_A", "D_B"}


def test_the_generators_losses_leave_no_gradient_in_discriminators() -> None:
    model = cycle_gan()
    model.optimizers["D"].step = lambda *_: None
    assert changed(model, lambda: model.train_step(batch())) == {"G_A", "G_B"}
    assert all(p.requires_grad for p in model.parameters())


def test_identity_switches_itself_off_where_channels_differ(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        model = cycle_gan(input_nc=1, output_nc=3)
    assert "identity loss is off" in caplog.text
    step = model.train_step(batch(A=1, B=3))
    assert step.losses["idt_A"] == 0
    assert "idt_A" not in step.visuals
    assert step.visuals["fake_B"].shape[1] == 3
    assert step.visuals["fake_A"].shape[1] == 1


def test_pix2pix_keeps_a_pool_when_asked_to() -> None:
    model = pix2pix(pool_size=2)
    for _ in range(3):
        model.train_step(batch())
    assert [image.shape[0] for image in model.pools["AB"].images] == [6, 6]


def test_colorization_shows_colour() -> None:
    model = create_model(ColorizationOptions(input_nc=1, output_nc=2, **TINY), adam=Adam())
    step = model.train_step(batch(1, 2))
    shown = model.displayable(step.visuals)
    assert list(shown) == ["real_A", "real_B_rgb", "fake_B_rgb"]
    assert shown["fake_B_rgb"].shape == (1, 3, 32, 32)
    assert shown["fake_B_rgb"].abs().max() <= 1


def test_lab_of_white_and_black_is_white_and_black() -> None:
    L = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
    rgb = lab_to_rgb(L, torch.zeros(2, 2, 1, 1))
    torch.testing.assert_close(rgb, torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1).expand(2, 3, 1, 1), atol=1e-3, rtol=0)  # fmt: skip


def test_the_template_regresses() -> None:
    model = create_model(TemplateOptions(**TINY), adam=Adam(lr=0.01))
    losses = [float(model.train_step(batch()).losses["G"]) for _ in range(8)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "group", [Pix2PixOptions, CycleGANOptions, TemplateOptions, TestModelOptions]
)
def test_a_model_for_inference_has_generators_alone(group) -> None:
    model = create_model(group(**TINY))
    assert all(name.startswith("G") for name in model.networks())
    assert not model.optimizers


@pytest.mark.parametrize("netG", ["resnet_6blocks", "unet_64"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (50, 91), (3, 5), (130, 20)])
def test_translations_have_the_size_of_their_input(netG, height, width) -> None:
    model = create_model(CycleGANOptions(**{**TINY, "netG": netG})).eval()
    with torch.inference_mode():
        images = model.translate(batch(height=height, width=width))
    assert list(images) == ["real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B"]
    assert {tuple(image.shape) for image in images.values()} == {(1, 3, height, width)}


def test_the_test_model_loads_the_network_its_suffix_names() -> None:
    model = create_model(TestModelOptions(model_suffix="_A", **TINY))
    assert list(model.networks()) == ["G_A"]
    assert list(model.translate(batch())) == ["real", "fake"]
    with pytest.raises(InputError, match="TestModel has no train_step, it only tests"):
        create_model(TestModelOptions(**TINY), adam=Adam())


def test_crops_that_do_not_fit_the_networks_are_explained() -> None:
    with pytest.raises(InputError, match="--crop_size 100 does not fit --netG unet_64.*64 or 128"):
        pix2pix(netG="unet_64").check_crop_size(100)
    with pytest.raises(
        InputError, match="--crop_size 16 is too small for --netD basic.*at least 24"
    ):
        pix2pix().check_crop_size(16)
    pix2pix(netD="pixel").check_crop_size(16)


def test_unknown_networks_are_explained() -> None:
    with pytest.raises(InputError, match="--netG 'big' is unknown: choose from"):
        pix2pix(netG="big")


def test_seeds_decide_the_first_weights_and_nothing_else_does() -> None:
    torch.manual_seed(1)
    one = create_model(Pix2PixOptions(**TINY), seed=3)
    torch.manual_seed(2)
    same, other = (
        create_model(Pix2PixOptions(**TINY), seed=3),
        create_model(Pix2PixOptions(**TINY), seed=4),
    )
    weights = [next(model.parameters()) for model in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_feature_matching_is_logged_and_trains_pix2pix_at_every_scale() -> None:
    model = pix2pix(num_D=2, n_layers_D=1, netD="n_layers", lambda_feat=10.0)
    losses = model.train_step(batch()).losses
    assert list(losses) == ["G_GAN", "G_L1", "G_Feat", "D_real", "D_fake"]
    assert losses["G_Feat"] > 0
    twice = pix2pix(num_D=2, n_layers_D=1, netD="n_layers", lambda_feat=20.0)
    torch.testing.assert_close(twice.train_step(batch()).losses["G_Feat"], 2 * losses["G_Feat"])


def test_feature_matching_without_discriminators_is_refused() -> None:
    with pytest.raises(ValueError, match="--lambda_feat needs discriminators"):
        Pix2PixOptions(lambda_feat=1.0, lambda_GAN=0.0)
