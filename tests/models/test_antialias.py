"""Blurs in front of and behind a change of size."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from models.networks import define_G
from models.networks.antialias import Downsample, Upsample, _repeat_border
from models.tiling import Tiling, tiled


def test_downsampling_keeps_a_constant_and_takes_away_a_checkerboard() -> None:
    constant = torch.full((1, 2, 6, 8), 0.3)
    torch.testing.assert_close(Downsample(2)(constant), constant[..., :3, :4])
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert Downsample(1)(board[None, None]).abs().max() < 1e-6


def test_upsampling_is_bilinear() -> None:
    images = torch.randn(2, 3, 5, 7)
    expected = F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Upsample(3)(images), expected)


def test_a_border_is_repeated_by_copies_as_pytorch_does() -> None:
    images = torch.randn(2, 3, 4, 5)
    assert torch.equal(_repeat_border(images), F.pad(images, (1, 1, 1, 1), mode="replicate"))


def test_tiles_of_an_anti_aliased_generator_are_parts_of_the_whole_image() -> None:
    torch.manual_seed(0)
    G = define_G(
        3, 2, 2, "resnet_6blocks", "instance", init_gain=0.1, antialias=True, antialias_up=True
    ).double()
    images = torch.randn(1, 3, 200, 160, dtype=torch.float64)
    with torch.no_grad():
        expected = G(images)
    found = tiled(G, images, Tiling(64, "exact"))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
