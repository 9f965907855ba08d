"""Generators that double the size without checkerboards."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.networks import define_G
from models.networks.norms import init_weights
from models.networks.upsampling import up_convolution
from models.networks.weights import describe_generator

KINDS = ("transposed", "resize", "blur")


def doubling(kind: str, channels: int = 2) -> nn.Module:
    torch.manual_seed(0)
    layer = up_convolution(nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), kind)
    init_weights(layer, init_gain=1.0)
    return layer


def test_an_even_image_stays_even_unless_the_convolution_is_transposed() -> None:
    even = torch.ones(1, 2, 5, 6)
    spread = {kind: doubling(kind)(even).std(dim=(2, 3)).max().item() for kind in KINDS}
    assert spread["transposed"] > 0.1
    assert max(spread["resize"], spread["blur"]) < 1e-6


@pytest.mark.parametrize(("kind", "mode"), [("resize", "nearest-exact"), ("blur", "bilinear")])
def test_before_the_convolution_the_image_is_enlarged_as_pytorch_does_it(kind, mode) -> None:
    image = torch.rand(2, 2, 4, 7, dtype=torch.float64)
    enlarging = doubling(kind)[:-2]
    torch.testing.assert_close(enlarging(image), F.interpolate(image, scale_factor=2, mode=mode))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("netG", ["resnet_6blocks", "unet_64", "encoder_decoder_64"])
def test_the_weights_tell_how_a_generator_doubles_the_size(netG, kind) -> None:
    network = define_G(3, 2, 4, netG, upsample=kind)
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 2, 64, 64)
    found = describe_generator(network.state_dict())
    assert (found["netG"], found["upsample"], found["ngf"]) == (netG, kind, 4)
    assert (found["input_nc"], found["output_nc"]) == (3, 2)


def test_another_way_of_upsampling_is_refused() -> None:
    with pytest.raises(ValueError, match="'cubic' is unknown: choose transposed, resize or blur"):
        doubling("cubic")
