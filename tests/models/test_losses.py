"""Losses, schedules, pool and seeds: what can be computed by hand."""

from __future__ import annotations

import math
import random

import pytest
import torch

from models.engine.image_pool import ImagePool
from models.losses import (
    feature_matching_loss,
    gan_loss,
    gradient_penalty,
    r1_penalty,
    reconstruction_loss,
)
from util.position_seed import position_seed
from util.training.lr_schedule import lr_multiplier, plateau_multiplier

HALF = torch.full((2, 1, 3, 3), 0.5)


@pytest.mark.parametrize(
    ("mode", "real", "fake", "generator"),
    [
        ("lsgan", 0.25, 0.25, 0.25),
        ("vanilla", math.log1p(math.exp(-0.5)), math.log1p(math.exp(0.5)), math.log1p(math.exp(-0.5))),
        ("wgangp", -0.5, 0.5, -0.5),
        ("hinge", 0.5, 1.5, -0.5),
    ],
)  # fmt: skip
def test_gan_losses_of_a_logit_of_one_half(mode, real, fake, generator) -> None:
    assert gan_loss(HALF, True, mode).item() == pytest.approx(real)
    assert gan_loss(HALF, False, mode).item() == pytest.approx(fake)
    assert gan_loss(HALF, True, mode, for_generator=True).item() == pytest.approx(generator)


def test_the_hinge_loss_is_content_beyond_its_margin() -> None:
    assert gan_loss(torch.full((1, 1), 2.0), True, "hinge") == 0
    assert gan_loss(torch.full((1, 1), -2.0), False, "hinge") == 0


def test_an_unknown_gan_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        gan_loss(HALF, True, "nonsense")


def test_gradient_penalty_of_a_linear_critic_is_its_slopes_distance_from_one() -> None:
    real, fake = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    mix = torch.rand(2, 1, 1, 1)
    # D(x) = c * sum(x) has the gradient c everywhere, of norm 4 c for 16 pixels.
    penalty = gradient_penalty(lambda x: 0.75 * x.sum((1, 2, 3)), real, fake, mix)
    assert penalty.item() == pytest.approx((3 - 1) ** 2)


def test_gradient_penalty_looks_between_fake_and_real() -> None:
    seen = []
    real, fake = torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)

    def D(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return x.square().sum((1, 2, 3))

    gradient_penalty(D, real, fake, torch.tensor([0.0, 0.25]).reshape(2, 1, 1, 1))
    assert seen[0][0].unique().item() == 0
    assert seen[0][1].unique().item() == 0.25


def test_r1_of_a_linear_discriminator_is_the_squared_slope_of_the_sum_of_its_patches() -> None:
    real = torch.rand(2, 1, 4, 4)
    # 5 patches of slope 0.5 at each of 16 pixels.
    penalty = r1_penalty(lambda x: 0.5 * x.sum((1, 2, 3))[:, None].repeat(1, 5), real)
    assert penalty.item() == pytest.approx(16 * 2.5**2)


def test_r1_is_the_mean_over_images() -> None:
    real = torch.stack([torch.full((1, 2, 2), 1.0), torch.full((1, 2, 2), 3.0)])
    # The gradient of x^2 / 2 is x.
    assert r1_penalty(lambda x: x.square() / 2, real).item() == (4 * 1 + 4 * 9) / 2


def test_reconstruction_is_absolute_or_squared() -> None:
    a, b = torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.5)
    assert reconstruction_loss(a, b, "l1").item() == 0.5
    assert reconstruction_loss(a, b, "l2").item() == 0.25


def linear(epoch: int) -> float:
    return lr_multiplier(epoch, "linear", 100, 100, 50)


def test_linear_rate_is_constant_then_falls_and_never_reaches_zero() -> None:
    assert linear(1) == linear(100) == 1
    assert linear(101) == pytest.approx(100 / 101)
    assert linear(200) == pytest.approx(1 / 101)


def test_step_rate_is_divided_by_ten_every_so_many_epochs() -> None:
    rates = [lr_multiplier(e, "step", 100, 100, 50) for e in (1, 50, 51, 100, 101)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_cosine_rate_falls_over_the_whole_schedule() -> None:
    rates = [lr_multiplier(e, "cosine", 100, 100, 50) for e in range(1, 201)]
    assert rates[0] == 1
    assert rates[100] == pytest.approx(0.5)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_plateau_rate_falls_after_six_epochs_without_improvement() -> None:
    assert plateau_multiplier([]) == 1
    assert plateau_multiplier([1.0, *[1.0] * 5]) == 1
    assert plateau_multiplier([1.0, *[1.0] * 6]) == pytest.approx(0.2)
    assert plateau_multiplier([1.0 * 0.9**i for i in range(50)]) == 1
    assert plateau_multiplier([1.0, *[0.995] * 6]) == pytest.approx(
        0.2
    )  # within 1 % is no improvement


def test_plateau_is_pytorchs() -> None:
    rng = random.Random(1)
    metric = [rng.random() for _ in range(60)]
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=0.2, threshold=0.01, patience=5
    )
    for i, value in enumerate(metric):
        scheduler.step(value)
        ours = plateau_multiplier(metric[: i + 1])
        assert optimizer.param_groups[0]["lr"] == pytest.approx(max(ours, 1e-8), rel=0.3, abs=1e-8)


def test_pool_of_size_zero_returns_its_input() -> None:
    images = torch.rand(2, 3, 4, 4)
    assert ImagePool(0, random.Random(0)).query(images) is images


def test_pool_returns_what_it_is_given_until_it_is_full() -> None:
    pool = ImagePool(4, random.Random(0))
    images = torch.rand(4, 1, 2, 2)
    assert torch.equal(pool.query(images), images)
    assert len(pool.images) == 4


def test_a_full_pool_exchanges_half_of_the_images() -> None:
    pool = ImagePool(10, random.Random(0))
    pool.query(torch.zeros(10, 1, 1, 1))
    old = 0
    for n in range(1, 1001):
        image = torch.full((1, 1, 1, 1), float(n))
        returned = pool.query(image)
        assert returned.shape == image.shape
        old += int(returned.item() != n)
    assert 440 < old < 560
    assert len(pool.images) == 10


def test_a_restored_pool_goes_on_as_if_never_interrupted() -> None:
    pool = ImagePool(3, random.Random(7))
    pool.query(torch.rand(5, 1, 1, 1))
    copy = ImagePool(3, random.Random(0))
    copy.load_state_dict(pool.state_dict())
    later = torch.rand(20, 1, 1, 1)
    assert torch.equal(pool.query(later), copy.query(later))


def test_pool_images_carry_no_gradient() -> None:
    images = torch.rand(2, 1, 2, 2, requires_grad=True)
    assert not ImagePool(5, random.Random(0)).query(images * 2).requires_grad


def test_seeds_of_positions_differ_and_stay() -> None:
    seeds = {position_seed(s, e, i) for s in range(3) for e in range(10) for i in range(100)}
    assert len(seeds) == 3000
    assert position_seed(0, 1, 2) == position_seed(0, 1, 2)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert position_seed(1, 23) != position_seed(12, 3)


def test_features_that_differ_by_a_constant_are_that_far_apart_however_many_layers_and_scales() -> (
    None
):
    scale = [torch.rand(1, 2, 4, 4), torch.rand(1, 3, 2, 2)]
    shifted = [layer + 0.25 for layer in scale]
    one = feature_matching_loss([shifted], [scale])
    assert one.item() == pytest.approx(4 * 0.25)  # pix2pixHD's four layers count 1 each
    assert feature_matching_loss([shifted, scale], [scale, scale]).item() == pytest.approx(2 * 0.25)


def test_feature_matching_pulls_the_generated_image_alone() -> None:
    fake, real = (torch.rand(1, 2, 3, 3, requires_grad=True) for _ in range(2))
    feature_matching_loss([[fake]], [[real]]).backward()
    assert fake.grad is not None
    assert real.grad is None
