"""Our convolutions: PyTorch's results, weights and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import models.networks.cpu_convolutions as ours
from models.networks import winograd
from models.networks.winograd import tiles_of, winograd_conv2d


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("size", [(4, 4), (6, 6), (13, 18), (14, 30)])
def test_fewer_multiplications_give_the_same_sums_and_gradients(kernel, size) -> None:
    x, weight = images(2, 5, *size), images(3, 5, kernel, kernel, seed=1)
    result, wanted = winograd_conv2d(x, weight), F.conv2d(x, weight)
    torch.testing.assert_close(result, wanted, rtol=1e-10, atol=1e-10)
    weights = images(*wanted.shape, seed=2).detach()
    gradients = [torch.autograd.grad(y, (x, weight), weights) for y in (result, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


def test_gradients_of_gradients_are_right() -> None:
    x, weight = images(1, 2, 7, 6), images(2, 2, 3, 3, seed=1)
    assert torch.autograd.gradgradcheck(winograd_conv2d, (x, weight))


def test_rounding_in_float32_stays_close_to_that_of_the_direct_sum() -> None:
    for kernel in (3, 4):
        x, weight = images(1, 128, 30, 30).detach(), images(128, 128, kernel, kernel).detach()
        exact = F.conv2d(x, weight)
        errors = [
            (conv(x.float(), weight.float()).double() - exact).abs().max().item()
            for conv in (winograd_conv2d, F.conv2d)
        ]
        assert errors[0] < 4 * errors[1]


def test_tiles_are_counted_as_they_are_cut() -> None:
    assert tiles_of(2, 18, 18, 3) == 2 * 4 * 4
    assert tiles_of(1, 19, 18, 3) == 5 * 4
    assert tiles_of(1, 33, 33, 4) == 10 * 10


def replaced(layer: nn.Module, kind: type) -> nn.Module:
    layer.__class__ = kind
    return layer


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (ours.Conv2d(128, 128, 3), (2, 128, 18, 18)),  # by Winograd's way
        (ours.Conv2d(128, 130, 4, padding=1), (2, 128, 14, 17)),
        (
            ours.Conv2d(128, 128, 3),
            (1, 128, 9, 9),
        ),  # too small, too narrow, with a stride: PyTorch's
        (ours.Conv2d(8, 8, 3, bias=False), (2, 8, 34, 34)),
        (ours.Conv2d(128, 128, 4, stride=2), (2, 128, 34, 34)),
        (ours.ConvTranspose2d(64, 4, 4, stride=2, padding=1), (1, 64, 4, 4)),  # one matrix product
        (ours.ConvTranspose2d(64, 4, 3, stride=2, padding=1, output_padding=1), (2, 64, 2, 3)),
        (ours.ConvTranspose2d(64, 4, 4, stride=2, padding=1), (2, 64, 8, 8)),  # PyTorch's
        (ours.Conv2d(128, 128, 3, dilation=2), (2, 128, 22, 22)),
        (ours.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"), (2, 128, 18, 18)),
        (ours.Conv2d(256, 128, 3, groups=2), (2, 256, 18, 18)),
        (ours.Conv2d(128, 128, 3, padding="same"), (2, 128, 18, 18)),
        (ours.Conv2d(128, 128, (3, 4)), (2, 128, 18, 18)),
        (ours.Conv2d(128, 128, 3), (128, 18, 18)),
        (ours.ConvTranspose2d(64, 4, 4, stride=2, groups=2), (1, 64, 2, 2)),
    ],
)
def test_layers_do_as_pytorchs(layer, shape) -> None:
    own = type(layer)
    x = images(*shape).float().detach()
    result = layer(x)
    wanted = replaced(layer, own.__mro__[1])(x)
    torch.testing.assert_close(result, wanted, rtol=1e-4, atol=1e-4)


def test_training_may_follow_testing_in_one_process() -> None:
    winograd._transforms.cache_clear()
    layer, x = ours.Conv2d(128, 128, 3), torch.zeros(2, 128, 18, 18)
    with torch.inference_mode():
        layer(x)
    layer(x).sum().backward()


def test_which_way_is_taken(monkeypatch) -> None:
    taken = []
    monkeypatch.setattr(ours, "winograd_conv2d", lambda *a: taken.append(1) or winograd_conv2d(*a))
    layer = ours.Conv2d(128, 128, 3)
    layer(torch.zeros(2, 128, 18, 18))
    assert len(taken) == 1
    layer(torch.zeros(1, 128, 18, 18))  # 16 tiles
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.zeros(2, 128, 18, 18))
    assert len(taken) == 1
