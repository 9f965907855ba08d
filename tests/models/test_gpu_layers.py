"""Layers made for GPUs compute what PyTorch's compute."""

from __future__ import annotations

import pytest
import torch
from helpers.gpu import DEVICES, on_a_gpu
from torch.nn import functional as F

from models.networks.channels_last import InstanceNorm2d, Reflected, ReflectionPad2d, image_norm

ORDERS = [torch.contiguous_format, torch.channels_last]


def images(order: torch.memory_format, device: str = "cpu") -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 5, 9, 8, dtype=torch.float64, generator=generator)
    return x.to(device, memory_format=order).requires_grad_()


def assert_same(x: torch.Tensor, found: torch.Tensor, wanted: torch.Tensor) -> None:
    """In values, gradients and gradients of gradients."""
    torch.testing.assert_close(found, wanted)
    weight = torch.linspace(-1, 1, found.numel(), dtype=x.dtype, device=x.device)
    slopes = [
        torch.autograd.grad((y.square() * weight.view(y.shape)).sum(), x, create_graph=True)[0]
        for y in (found, wanted)
    ]
    torch.testing.assert_close(*slopes)
    torch.testing.assert_close(*(torch.autograd.grad(s.square().sum(), x)[0] for s in slopes))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("padding", [1, 3, 7])
def test_images_are_mirrored_as_pytorch_does_and_keep_their_order(padding, order, device) -> None:
    x = images(order, device)
    found = Reflected.apply(x, padding)
    assert found.is_contiguous(memory_format=order)
    assert_same(x, found, F.pad(x, (padding,) * 4, mode="reflect"))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_norm_image_by_image_is_an_instance_norm_and_keeps_the_order(order, device) -> None:
    x = images(order, device)
    weight, bias = torch.randn(2, 5, dtype=x.dtype, device=device)
    found = image_norm(x, weight, bias, 1e-5)
    assert found.is_contiguous(memory_format=order)
    assert_same(x, found, F.instance_norm(x, weight=weight, bias=bias))


def test_an_image_too_small_to_be_mirrored_is_refused_as_by_pytorch() -> None:
    with pytest.raises(RuntimeError, match="less than the corresponding input dimension"):
        ReflectionPad2d(3)(torch.zeros(1, 1, 3, 8))


@on_a_gpu
@pytest.mark.parametrize("count", [1, 2])
def test_on_a_gpu_bf16_images_keep_their_order_and_nearly_the_values(count) -> None:
    x = torch.randn(count, 16, 64, 64, device="cuda", dtype=torch.bfloat16)
    x = x.to(memory_format=torch.channels_last)
    for layer in (InstanceNorm2d(16), ReflectionPad2d(1)):
        found = layer(x)
        assert found.is_contiguous(memory_format=torch.channels_last)
        wanted = type(layer).__mro__[1].forward(layer, x.float().contiguous())
        torch.testing.assert_close(found.float(), wanted, rtol=0.02, atol=0.02)
