"""Gradients through norms on a CPU, where PyTorch's own depend on how the gradient from behind lies in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import nn

from models.networks import define_G
from models.networks.norms import image_norm, norm_layer

# images first to last, channels, rows, columns: (2, 3, 1, 0) is pixels first, as picking pixels as rows sends back
ORDERS = list(itertools.permutations(range(4)))


def in_order(order: tuple[int, ...], shape: tuple[int, ...]) -> torch.Tensor:
    """Random numbers of the shape whose axes lie in memory in the order, the last one closest together."""
    values = torch.randn([shape[axis] for axis in order], dtype=torch.float64)
    return values.permute([order.index(axis) for axis in range(4)])


def slope_by_differences(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, direction: torch.Tensor
) -> torch.Tensor:
    h = 1e-6
    with torch.no_grad():
        return (function(x + h * direction) - function(x - h * direction)) / (2 * h)


@pytest.mark.parametrize("shape", [(1, 4, 6, 5), (2, 4, 6, 5), (1, 4, 1, 5)], ids=str)
@pytest.mark.parametrize("norm", ["instance", "batch", "syncbatch", "image"])
def test_a_norm_has_the_gradient_of_its_output_in_any_order_of_memory(norm, shape) -> None:
    torch.manual_seed(0)
    layer: nn.Module = norm_layer("batch" if norm == "image" else norm)(shape[1])
    layer = (image_norm(layer) if norm == "image" else layer).double()
    for own, behind in itertools.product(ORDERS, ORDERS):
        x, weight = in_order(own, shape).requires_grad_(), in_order(behind, shape)
        direction = torch.randn_like(x)
        (gradient,) = torch.autograd.grad(layer(x), x, weight)
        wanted = slope_by_differences(lambda y, w=weight: (layer(y) * w).sum(), x, direction)
        found = (gradient * direction).sum()
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)


def test_features_picked_pixel_by_pixel_train_a_resnet_by_their_gradient() -> None:
    torch.manual_seed(0)
    encoder = define_G(3, 3, 4, "resnet_6blocks", "instance", init_gain=1.0).double().model[:12]

    def loss(x: torch.Tensor) -> torch.Tensor:
        return encoder(x).permute(0, 2, 3, 1).flatten(1, 2)[:, [3, 1, 4, 15, 9]].square().sum()

    assert_slope(loss, torch.randn(1, 3, 16, 16, dtype=torch.float64))


@pytest.mark.parametrize("netG", ["unet_64", "encoder_decoder_64"])
def test_a_small_image_goes_back_through_transposed_convolutions(netG) -> None:
    torch.manual_seed(0)
    network = define_G(3, 3, 4, netG, "instance", init_gain=0.3).double()
    weight = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    x = torch.randn_like(weight)
    assert_slope(lambda y: (network(y) * weight).sum(), x)


def assert_slope(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> None:
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(function(x), x)
    for _ in range(3):
        direction = torch.randn_like(x)
        wanted = slope_by_differences(function, x, direction)
        torch.testing.assert_close((gradient * direction).sum(), wanted, rtol=1e-5, atol=1e-6)
