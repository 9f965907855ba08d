"""Parts on the discriminator's side: R1, spectral norm, augmentation, its own learning rate. All are off by default."""

from __future__ import annotations

import copy

import pytest
import torch
from helpers.model import TINY, batch, changed, cycle_gan, pix2pix
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from models import Adam, create_model
from models.losses import r1_penalty
from models.networks import define_D
from models.networks.spectral_norm import normalize_spectrally
from options.model_options import ColorizationOptions, CUTOptions, CycleGANOptions, Pix2PixOptions

ALL = "color,translation,cutout"


def cut(**flags):
    small = {"netF_nc": 4, "num_patches": 16, "init_type": "normal"}
    return create_model(CUTOptions(**{**TINY, **small, **flags}), adam=Adam())


MODELS = pytest.mark.parametrize("make", [pix2pix, cycle_gan, cut])


def discriminators(model) -> list[str]:
    return [name for name in model.networks() if name.startswith("D")]


def trained(model, steps: int) -> list[dict]:
    """Weights after every step."""
    weights = []
    for number in range(steps):
        torch.manual_seed(number)
        model.train_step(batch())
        weights.append(copy.deepcopy(model.state_dict()))
    return weights


@MODELS
def test_all_parts_together_train_every_network(make) -> None:
    parts = {"normD": "none", "spectral_norm": True, "diffaugment": ALL, "lr_D": 1e-4}
    model = make(r1=1.0, r1_interval=1, gan_mode="hinge", **parts)
    moved = changed(model, lambda: model.train_step(batch()))
    assert moved == set(model.networks())


@MODELS
def test_r1_is_in_every_nth_step_and_the_others_stay_as_they_are(make) -> None:
    plain = trained(make(normD="none"), 3)
    lazy = trained(make(normD="none", r1=1.0, r1_interval=3), 3)
    for step, (one, other) in enumerate(zip(plain, lazy, strict=True)):
        same = all(torch.equal(value, other[key]) for key, value in one.items())
        assert same == (step < 2)


def test_the_penalty_counts_for_the_steps_without_it_and_is_halved_twice() -> None:
    # r1 / 2, and D's total is half of the sum of its losses.
    model = pix2pix(normD="none", r1=3.0, r1_interval=8)
    pair = torch.rand(2, 6, 32, 32)
    model.count.steps = 7
    assert model.penalty(model.D, pair) == {}
    model.count.steps = 8
    expected = 8 * 0.5 * 0.5 * 3.0 * r1_penalty(model.D, pair)
    torch.testing.assert_close(model.penalty(model.D, pair), {"r1_D": expected})


def test_r1_follows_a_discriminator_of_several_scales() -> None:
    model = pix2pix(normD="none", num_D=2, n_layers_D=1, netD="n_layers", r1=1.0, r1_interval=1)
    assert changed(model, lambda: model.train_step(batch())) == {"G", "D"}


@pytest.mark.parametrize(
    ("flags", "warned"),
    [({"r1": 1.0}, True), ({"r1": 0.01}, False), ({"r1": 1.0, "normD": "none"}, False)],
)
def test_a_large_r1_behind_a_norm_is_warned_of(flags, warned, caplog) -> None:
    pix2pix(**flags)
    assert ("give --normD none, or --r1 0.01" in caplog.text) == warned


def test_spectral_norm_has_the_keys_and_values_of_pytorchs() -> None:
    torch.manual_seed(0)
    ours = define_D(3, 8, "basic", norm="none")
    theirs = copy.deepcopy(ours)
    normalize_spectrally(ours)
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d):
            spectral_norm(module)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    theirs.load_state_dict(ours.state_dict())
    images = torch.rand(2, 3, 32, 32)
    for _ in range(3):
        torch.testing.assert_close(ours(images), theirs(images))
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


def test_spectral_norm_leaves_no_layer_that_lengthens_what_it_gets() -> None:
    D = define_D(3, 8, "basic", norm="none", init_gain=1.0, spectral_norm=True, num_D=2)
    layers = [module for module in D.modules() if isinstance(module, nn.Conv2d)]
    for _ in range(100):
        weights = [layer.weight.detach() for layer in layers]
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_the_largest_singular_value_is_found_in_float32_whatever_the_precision(dtype) -> None:
    D = define_D(3, 8, "basic", norm="none", spectral_norm=True).eval()
    wanted = D.model[2].weight
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        assert torch.equal(D.model[2].weight, wanted)


def test_the_discriminators_rate_follows_the_schedule_of_the_generators() -> None:
    model = cycle_gan(lr_D=1e-4)  # where --lr is 2e-4

    def rates() -> dict[str, float]:
        return {name: one.param_groups[0]["lr"] for name, one in model.optimizers.items()}

    assert rates() == pytest.approx({"G": 2e-4, "D": 1e-4})
    model.set_learning_rate(1e-5)
    assert rates() == pytest.approx({"G": 1e-5, "D": 5e-6})
    before = copy.deepcopy(model.state_dict())
    model.train_step(batch())
    # Adam's first step moves every weight by its rate.
    for name, rate in (("G_A", 1e-5), ("D_A", 5e-6)):
        key = f"{name}.model.{1 if name == 'G_A' else 0}.weight"
        step = (model.state_dict()[key] - before[key]).abs().max().item()
        assert step == pytest.approx(rate, rel=0.05)


@MODELS
def test_augmentation_changes_what_d_learns_and_is_drawn_anew_in_every_step(make) -> None:
    plain, augmented = (make(normD="none", diffaugment=policy) for policy in ("", ALL))
    assert len(augmented.augmented(torch.rand(1, 3, 8, 8))) == 1
    name = discriminators(plain)[0]
    first, second = (trained(model, 1)[0] for model in (plain, augmented))
    assert any(not torch.equal(first[k], second[k]) for k in first if k.startswith(name))
    again = make(normD="none", diffaugment=ALL)
    torch.testing.assert_close(trained(again, 1)[0], second, rtol=0, atol=0)
    images = torch.rand(1, 3, 32, 32)
    one, other = (augmented.augmented(images)[0] for _ in range(2))
    assert not torch.equal(one, other)


def test_feature_matching_compares_images_that_are_augmented_alike() -> None:
    model = pix2pix(diffaugment=ALL, lambda_feat=10.0)
    pair = torch.rand(1, 6, 32, 32)
    assert model.feature_losses(model.D, pair, pair.clone(), 10.0)["G_Feat"] == 0


@pytest.mark.parametrize(
    ("options", "flags", "message"),
    [
        (CycleGANOptions, {"r1": 1.0, "lambda_GAN": 0.0}, "--r1 needs discriminators"),
        (CUTOptions, {"diffaugment": "color", "lambda_GAN": 0.0}, "--diffaugment needs discrim"),
        (Pix2PixOptions, {"spectral_norm": True, "lambda_GAN": 0.0}, "--spectral_norm needs"),
        (Pix2PixOptions, {"lr_D": 1e-4, "lambda_GAN": 0.0}, "--lr_D needs discriminators"),
        (Pix2PixOptions, {"r1": 1.0, "gan_mode": "wgangp"}, "has its own penalty"),
        (ColorizationOptions, {"diffaugment": "color"}, "leave color out"),
        (Pix2PixOptions, {"diffaugment": "color", "label_B": 4, "output_nc": 4}, "and --label_B"),
        (CycleGANOptions, {"diffaugment": "color", "label_A": 4, "input_nc": 4}, "and --label_A"),
    ],
)
def test_combinations_that_make_no_sense_are_refused(options, flags, message) -> None:
    with pytest.raises(ValueError, match=message):
        options(**flags)
