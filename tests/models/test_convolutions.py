"""Our convolutions: PyTorch's results, weights and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import models.networks.cpu_convolutions as ours
from models.networks import winograd
from models.networks.winograd import TILE, tiles_of, winograd_conv2d


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


def growth(kernel: int) -> float:
    """How many times larger Winograd's summands are than those of the direct sum, as root mean square.

    For independent x and w of mean 0 and variance 1, element i of the transform B^T x has the variance ||B^T_i||^2 (the
    squared norm of row i), that of G w has ||G_i||^2, and output k adds their product weighted by A^T_ki. So along one side
    the variances add up to sum_i (A^T_ki)^2 ||G_i||^2 ||B^T_i||^2, where the direct sum has r. The transforms of two
    dimensions are those of one applied twice, which squares both; the root of that, averaged over k, is the ratio.
    """
    on_outputs, on_weights, on_inputs = winograd._transforms(TILE[kernel], kernel, torch.float64)
    variances = on_weights.square().sum(1) * on_inputs.square().sum(1)
    return float((on_outputs.square() @ variances).mean()) / kernel


@pytest.mark.parametrize("kernel", [3, 4])
def test_points_of_evaluation_keep_numbers_small(kernel) -> None:
    """With 0, 1, -1, 2, -2 (Lavin & Gray 2016) it would be 10.8."""
    assert growth(kernel) == pytest.approx(6.944, abs=0.001)


@pytest.mark.parametrize("kernel", [3, 4])
def test_rounding_in_float32_stays_below_what_the_arithmetic_allows(kernel) -> None:
    """Bounds the error by unit roundoff u = 2^-24, the growth of the summands and the number of channels C alone.

    Adding n independent terms of variance s^2 one after the other, the k-th addition rounds a partial sum of variance k s^2
    by at most u times its size (Higham & Mary 2019: roundings as independent, of mean 0), so the sum's error has a variance
    of at most u^2 s^2 (1 + ... + n), about n/2 u^2 times the sum's own. Any other order, and fused multiplications, round less.
    There is one sum over C channels, and six over at most 6 terms: x, w and the products are transformed along both sides.
    The summed terms have the variance C (kernel growth)^2; so the error's root mean square is at most
    u kernel growth sqrt(C (C/2 + 6 * 6/2)).
    """
    C = 128
    x = images(1, C, 30, 30).detach().float()
    weight = images(C, C, kernel, kernel, seed=1).detach().float()
    error = winograd_conv2d(x, weight) - F.conv2d(x.double(), weight.double())
    bound = 2.0**-24 * kernel * growth(kernel) * (C * (C / 2 + 6 * 6 / 2)) ** 0.5
    assert error.square().mean().sqrt() < bound


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
        (ours.Conv2d(128, 128, 3), (4, 128, 18, 18)),  # by Winograd's way
        (ours.Conv2d(128, 130, 4, padding=1), (3, 128, 14, 17)),
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
    layer, x = ours.Conv2d(128, 128, 3), torch.zeros(4, 128, 18, 18)
    with torch.inference_mode():
        layer(x)
    layer(x).sum().backward()


def test_which_way_is_taken(monkeypatch) -> None:
    taken = []
    monkeypatch.setattr(ours, "winograd_conv2d", lambda *a: taken.append(1) or winograd_conv2d(*a))
    layer = ours.Conv2d(128, 128, 3)
    layer(torch.zeros(4, 128, 18, 18))  # 64 tiles
    assert len(taken) == 1
    layer(torch.zeros(1, 128, 18, 18))  # 16 tiles, too few
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.zeros(4, 128, 18, 18))
    assert len(taken) == 1
