"""Patches: where they are taken, and how they are told apart."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from models.losses import patch_nce_loss
from models.networks.patch_sampler import (
    average_rows,
    draw_flip,
    draw_positions,
    mirrored_positions,
    normalise_rows,
    pick_rows,
)


def rows(groups: int, positions: int, channels: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = groups, positions, channels
    return normalise_rows(torch.randn(shape, dtype=torch.float64, generator=generator))


def test_the_nce_loss_of_patches_that_look_alike_is_the_logarithm_of_their_number() -> None:
    alike = normalise_rows(torch.ones(1, 256, 8, dtype=torch.float64))
    assert patch_nce_loss(alike, alike) == pytest.approx(math.log(256), rel=1e-9)


def test_the_nce_loss_of_patches_that_have_nothing_in_common_is_nearly_nothing() -> None:
    apart = torch.eye(16, dtype=torch.float64)[None]
    expected = math.log(1 + 15 * math.exp(-1 / 0.07))
    assert patch_nce_loss(apart, apart) == pytest.approx(expected, rel=1e-6)


def test_the_nce_loss_is_the_cross_entropy_against_the_diagonal_of_each_image() -> None:
    q, k = rows(2, 9, 5), rows(2, 9, 5, seed=1)
    expected = [F.cross_entropy(a @ b.T / 0.2, torch.arange(9)) for a, b in zip(q, k, strict=True)]
    assert patch_nce_loss(q, k, 0.2) == pytest.approx(float(sum(expected)) / 2, rel=1e-12)


def test_positions_are_different_and_inside_the_map() -> None:
    torch.manual_seed(0)
    positions = draw_positions(100, 40, torch.device("cpu"))
    assert len(set(positions.tolist())) == 40
    assert set(positions.tolist()) <= set(range(100))


@pytest.mark.parametrize("count", [0, 12, 13])
def test_a_map_with_too_few_positions_gives_them_all(count) -> None:
    assert draw_positions(12, count, torch.device("cpu")).tolist() == list(range(12))


def test_every_position_is_drawn_alike_often() -> None:
    torch.manual_seed(0)
    drawn = torch.cat([draw_positions(10, 3, torch.device("cpu")) for _ in range(2000)])
    assert torch.bincount(drawn, minlength=10).tolist() == pytest.approx([600] * 10, abs=100)


def test_draws_follow_the_seed_of_the_step() -> None:
    def draws(seed: int) -> list:
        torch.manual_seed(seed)
        flips = [draw_flip() for _ in range(40)]
        return [*draw_positions(50, 5, torch.device("cpu")).tolist(), *flips]

    assert draws(3) == draws(3) != draws(4)
    assert {True, False} <= set(draws(3)[5:])


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=str)
def test_rows_are_what_the_map_has_at_positions_counted_row_by_row(order) -> None:
    features = torch.randn(2, 3, 4, 5).contiguous(memory_format=order)
    picked = pick_rows(features, torch.tensor([0, 7, 19]))
    expected = torch.stack([features[:, :, 0, 0], features[:, :, 1, 2], features[:, :, 3, 4]], 1)
    assert torch.equal(picked, expected)


def test_mirrored_positions_are_the_same_pixels_of_the_mirrored_map() -> None:
    features, positions = torch.randn(1, 2, 4, 6), torch.tensor([0, 5, 13, 23])
    mirrored = pick_rows(features.flip(-1), mirrored_positions(positions, 6))
    assert torch.equal(mirrored, pick_rows(features, positions))


def test_averaged_rows_are_means_of_sixteen_fields() -> None:
    features = torch.arange(64.0).view(1, 1, 8, 8)
    averages = average_rows(features)
    assert averages.shape == (1, 16, 1)
    assert averages[0, :2, 0].tolist() == [(0 + 1 + 8 + 9) / 4, (2 + 3 + 10 + 11) / 4]


@pytest.mark.parametrize("size", [(8, 8), (9, 6), (5, 13)])
def test_averages_are_those_of_pytorchs_pooling(size) -> None:
    features = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = F.adaptive_avg_pool2d(features, 4).flatten(2).transpose(1, 2)
    torch.testing.assert_close(average_rows(features), expected)
