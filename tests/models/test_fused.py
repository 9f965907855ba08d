"""Fused layers compute what the modules compute one by one: values, gradients and running statistics."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.networks import define_D, define_G
from models.networks.fused import operation
from models.networks.fused.layers import Fusion, convolve, run
from models.networks.fused.operation import Fused, Group
from models.networks.fused.row_convolutions import convolve_images, convolve_to_images
from models.networks.resnet import ResnetGenerator

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="module")
def kernels():
    """The kernels; without a GPU, run by Triton's interpreter (see conftest.py)."""
    return pytest.importorskip("models.networks.fused.triton_kernels")


def draw(*shape: int, dtype=torch.float64, offset: float = 0.0) -> torch.Tensor:
    images = torch.randn(shape, dtype=dtype, device=DEVICE) + offset
    order = torch.channels_last if len(shape) == 4 else torch.contiguous_format
    return images.contiguous(memory_format=order).requires_grad_()


def gradients(outputs, inputs):
    generator = torch.Generator().manual_seed(1)
    # The same numbers for every type.
    slopes = [torch.randn(o.shape, generator=generator).bfloat16() for o in outputs]
    loss = sum((o * slope.to(o)).sum() for o, slope in zip(outputs, slopes, strict=True))
    return torch.autograd.grad(loss, inputs)


@pytest.mark.parametrize(("dtype", "whole"), [(torch.float64, 1024), (torch.float32, 0)])
@pytest.mark.parametrize(("padding", "slope"), [(0, None), (1, 0.0), (3, 0.2)])
@pytest.mark.parametrize("shape", [(1, 8, 5, 7), (2, 40, 4, 6)])
def test_instance_norm_activation_sum_and_border(
    kernels, shape, padding, slope, dtype, whole, monkeypatch
) -> None:
    monkeypatch.setattr(operation, "TILING", operation.Tiling(whole=whole, sum_high=16, high=16))
    torch.manual_seed(0)
    y, residual = draw(*shape, dtype=dtype, offset=3.0), draw(*shape, dtype=dtype)
    group = Group(kernels, "image", 1e-5, slope=slope, padding=padding, keeps=True)
    out, kept, _ = Fused.apply(y, residual, None, None, group)
    inner = F.instance_norm(y)
    inner = (inner if slope is None else F.leaky_relu(inner, slope)) + residual
    wanted = F.pad(inner, (padding,) * 4, mode="reflect")
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(kept, inner)
    found = gradients((out, kept), (y, residual))
    torch.testing.assert_close(found, gradients((wanted, inner), (y, residual)))


@pytest.mark.parametrize("shape", [(1, 8, 5, 7), (3, 20, 4, 6), (4, 40, 2, 2)])
@pytest.mark.parametrize("padding", [0, 1])
def test_batch_norm_follows_running_statistics(kernels, shape, padding) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(shape[1]).double().to(DEVICE)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    other, y = copy.deepcopy(norm), draw(*shape, offset=-2.0)
    wanted = F.pad(F.leaky_relu(other(y), 0.2), (padding,) * 4, mode="reflect")
    running = norm.running_mean, norm.running_var
    group = Group(kernels, "batch", 1e-5, 0.1, running, slope=0.2, padding=padding)
    out, _, _ = Fused.apply(y, None, norm.weight, norm.bias, group)
    torch.testing.assert_close(out, wanted)
    found = gradients((out,), (y, norm.weight, norm.bias))
    torch.testing.assert_close(found, gradients((wanted,), (y, other.weight, other.bias)))
    torch.testing.assert_close(norm.running_mean, other.running_mean)
    torch.testing.assert_close(norm.running_var, other.running_var)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_get_a_border_and_channels_of_zeros(kernels, channels) -> None:
    images = draw(2, channels, 6, 9)
    out = Fused.apply(images, None, None, None, Group(kernels, padding=3, channels=8))[0]
    wanted = F.pad(F.pad(images, (3,) * 4, mode="reflect"), (0, 0, 0, 0, 0, 8 - channels))
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(gradients((out,), (images,)), gradients((wanted,), (images,)))


def test_large_images_are_summed_in_parts(kernels) -> None:
    y = draw(1, 3, 90, 70, offset=50.0, dtype=torch.float32)
    out = Fused.apply(y, None, None, None, Group(kernels, "image", 1e-5))[0]
    torch.testing.assert_close(out, F.instance_norm(y.double()).float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(9, 11), (4, 5)])
def test_a_large_convolution_of_images_is_one_of_rows(kernels, channels, shape) -> None:
    images = draw(2, channels, *shape)
    conv = nn.Conv2d(channels, 6, 7, bias=False).double().to(DEVICE)
    found = convolve_images(conv, images, 3, images.dtype, kernels)
    wanted = conv(F.pad(images, (3,) * 4, mode="reflect"))
    torch.testing.assert_close(found, wanted)
    inputs = images, conv.weight
    torch.testing.assert_close(gradients((found,), inputs), gradients((wanted,), inputs))


@pytest.mark.parametrize("channels", [1, 4])
def test_a_large_convolution_to_images_is_one_of_rows(kernels, channels) -> None:
    x = draw(2, 8, 12, 10)
    conv = nn.Conv2d(8, channels, 7).double().to(DEVICE)
    found, wanted = convolve_to_images(conv, x, conv.bias, kernels), conv(x)
    torch.testing.assert_close(found, wanted)
    inputs = x, conv.weight, conv.bias
    torch.testing.assert_close(gradients((found,), inputs), gradients((wanted,), inputs))


NETWORKS = {
    "resnet": lambda: ResnetGenerator(3, 3, 2, "instance", n_blocks=2),
    "resnet with dropout": lambda: ResnetGenerator(3, 2, 2, "batch", True, n_blocks=1),
    "unet with instance norm": lambda: define_G(3, 3, 2, "unet_64", "instance"),
    "unet": lambda: define_G(3, 3, 2, "unet_64", "batch"),
    "unet that enlarges": lambda: define_G(3, 3, 2, "unet_64", "batch", upsample="blur"),
    "unet with dropout": lambda: define_G(3, 1, 2, "unet_64", "batch", True),
    "patchgan": lambda: define_D(3, 2, "basic", norm="instance"),
    "patchgan with batch norm": lambda: define_D(6, 2, "basic", norm="batch"),
}


def round_numbers(network: nn.Module) -> None:
    """To float32, as compiled kernels take them: norms of four pixels make a difference of 1e-8 a thousand times larger."""
    for module in network.modules():
        for name in ("eps", "negative_slope"):
            if hasattr(module, name):
                setattr(module, name, torch.tensor(getattr(module, name)).float().item())


WITHOUT_CHANNELS = [(name, Fusion(channels=False)) for name in ("resnet", "unet", "patchgan")]


@pytest.mark.parametrize(
    ("name", "fusion"), [*((name, Fusion()) for name in NETWORKS), *WITHOUT_CHANNELS]
)
def test_a_fused_network_is_the_same_function(kernels, name, fusion, monkeypatch) -> None:
    if DEVICE == "cpu":  # few and large steps are what an interpreter is fast at
        monkeypatch.setattr(operation, "TILING", operation.Tiling(sum_high=512, high=512))
    torch.manual_seed(0)
    network = NETWORKS[name]().double().to(DEVICE).to(memory_format=torch.channels_last)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.3)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 1.0  # its noise depends on the order of memory
    other = copy.deepcopy(network).cpu()  # whose norms are right for any order of memory
    if DEVICE == "cuda":
        round_numbers(other)
    channels = 6 if "batch norm" in name else 3
    height, width = {"unet": (64, 64), "resn": (12, 8), "patc": (24, 28)}[name[:4]]
    x, weights = draw(2, channels, height, width), dict(network.named_parameters())
    if "unet" in name:
        assert network._can_be_fused()
        found = network.run_fused(x, fusion)
    else:
        found = run(network.model, x, fusion)
    x_on_cpu = x.detach().cpu().requires_grad_()
    wanted = other.model(x_on_cpu)
    assert_same = partial(torch.testing.assert_close, check_device=False)
    assert_same(found, wanted)
    generator = torch.Generator().manual_seed(2)
    slope = torch.randn(wanted.shape, dtype=wanted.dtype, generator=generator)
    (found * slope.to(DEVICE)).sum().backward()
    (wanted * slope).sum().backward()
    assert_same(x.grad, x_on_cpu.grad, rtol=1e-5, atol=1e-8)
    for key, parameter in other.named_parameters():
        gradient = weights[key].grad
        if gradient is None:  # a bias that a norm takes away again
            gradient = torch.zeros_like(parameter)
        assert_same(gradient, parameter.grad, rtol=1e-5, atol=1e-7)
    assert_same(dict(network.named_buffers()), dict(other.named_buffers()))


@pytest.mark.parametrize("antialias", [False, True])
def test_features_between_fused_layers_are_those_of_the_layers(
    kernels, antialias, monkeypatch
) -> None:
    torch.manual_seed(0)
    network = ResnetGenerator(3, 3, 2, "instance", n_blocks=6, antialias=antialias).double()
    network.to(DEVICE)
    x = draw(2, 3, 16, 12)
    wanted, wanted_features = network(x, network.feature_layers)
    network.fusion = Fusion()
    monkeypatch.setattr("models.networks.patch_sampler.can_run", lambda *_: True)
    found, features = network(x, network.feature_layers)
    torch.testing.assert_close([found, *features], [wanted, *wanted_features])


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_images_of_few_channels_get_more_of_them_for_a_convolution_in_half_precision(
    kernels, channels
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(channels, 16, 4, stride=2, padding=1).to(DEVICE)
    x = draw(2, channels, 12, 10, dtype=torch.float32)
    with torch.autocast(DEVICE, torch.bfloat16):
        found, wanted = convolve(conv, x, Fusion()), conv(x)
    assert found.dtype == wanted.dtype == torch.bfloat16
    near = partial(torch.testing.assert_close, rtol=0.02, atol=0.05)
    near(found, wanted)
    near(gradients((found,), (x, conv.weight)), gradients((wanted,), (x, conv.weight)))


on_a_gpu = pytest.mark.skipif(DEVICE == "cpu", reason="needs an NVIDIA GPU")
# Of a CycleGAN at 256 x 256, of a U-Net's ends, and of a batch.
REAL = [(1, 256, 64, 64), (1, 64, 256, 256), (4, 128, 128, 128), (1, 512, 2, 2), (16, 256, 31, 31)]


@on_a_gpu
@pytest.mark.parametrize("shape", REAL)
@pytest.mark.parametrize("norm", ["image", "batch"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_on_a_gpu_rounding_is_all_that_differs_and_the_same_every_time(
    kernels, shape, norm, dtype
) -> None:
    torch.manual_seed(0)
    y, residual = draw(*shape, dtype=dtype, offset=1.0), draw(*shape, dtype=dtype)
    padding = 1 if shape[2] > 2 else 0
    group = Group(kernels, norm, 1e-5, slope=0.2, padding=padding, keeps=True)
    outputs = Fused.apply(y, residual, None, None, group)[:2]
    found = gradients(outputs, (y, residual))
    again = Fused.apply(y, residual, None, None, group)[:2]
    for one, other in zip(
        [*outputs, *found], [*again, *gradients(again, (y, residual))], strict=True
    ):
        assert torch.equal(one, other)
    exact_y, exact_residual = (x.detach().double().requires_grad_() for x in (y, residual))
    axes = (2, 3) if norm == "image" else (0, 2, 3)
    variance, mean = torch.var_mean(exact_y, axes, correction=0, keepdim=True)
    inner = F.leaky_relu((exact_y - mean) / (variance + 1e-5).sqrt(), 0.2) + exact_residual
    wanted = F.pad(inner, (padding,) * 4, mode="reflect"), inner
    slopes = gradients(wanted, (exact_y, exact_residual))
    least = 1e-5 if dtype == torch.float32 else 1e-2
    for one, exact in zip([*outputs, *found], [*wanted, *slopes], strict=True):
        assert float((one.detach().double() - exact).norm() / exact.norm()) < least
