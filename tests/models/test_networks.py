"""Networks: sizes, initial weights, and their test-time form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.networks import DISCRIMINATORS, GENERATORS, define_D, define_G
from models.networks.norms import init_weights, separate_images


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("netG", "norm", "parameters"),
    [  # of the published implementation, 3 to 3 channels, width 64
        ("resnet_9blocks", "instance", 11_378_179),
        ("resnet_6blocks", "batch", 7_841_411),
        ("unet_256", "batch", 54_413_955),
        ("unet_128", "instance", 41_825_667),
    ],
)
def test_generators_have_the_published_number_of_parameters(netG, norm, parameters) -> None:
    with torch.device("meta"):
        assert count(GENERATORS[netG](3, 3, 64, norm=norm)) == parameters


@pytest.mark.parametrize(
    ("netD", "n_layers", "parameters", "logits"),
    [
        ("basic", 3, 2_764_737, 30),
        ("n_layers", 1, 136_385, 126),
        ("n_layers", 2, 662_977, 62),
        ("n_layers", 4, 6_959_553, 14),
        ("n_layers", 5, 11_154_369, 6),
        ("pixel", 3, 8_705, 256),
    ],
)
def test_discriminators_have_the_published_size(netD, n_layers, parameters, logits) -> None:
    D = define_D(3, 64, netD, n_layers, "instance")
    assert count(D) == parameters
    narrow = define_D(3, 2, netD, n_layers, "instance")
    assert narrow(torch.zeros(1, 3, 256, 256)).shape == (1, 1, logits, logits)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_the_smallest_input_of_a_discriminator_is_what_it_says(n_layers, norm) -> None:
    D = define_D(3, 2, "n_layers", n_layers, norm)
    smallest = D.smallest_input
    assert D(torch.rand(1, 3, smallest, smallest)).numel() >= 1
    with pytest.raises((RuntimeError, ValueError)):
        D(torch.rand(1, 3, smallest - 1, smallest - 1))


@pytest.mark.parametrize("netG", [g for g in GENERATORS if not g.endswith(("512", "1024"))])
def test_generators_keep_the_size_and_change_the_channels(netG) -> None:
    G = define_G(1, 2, 2, netG, "instance")
    side = max(G.size_multiple, 8)
    output = G(torch.rand(2, 1, side, 2 * side))
    assert output.shape == (2, 2, side, 2 * side)
    assert output.abs().max() <= 1


def test_an_encoder_decoder_is_a_unet_without_skips() -> None:
    unet, plain = define_G(3, 3, 4, "unet_64"), define_G(3, 3, 4, "encoder_decoder_64")
    assert plain.model.model[3].weight.shape[0] * 2 == unet.model.model[3].weight.shape[0]
    # Everything passes the bottleneck: with that cut, the input no longer matters.
    bottleneck = next(m for m in plain.modules() if getattr(m, "kernel_size", 0) and m.stride == (2, 2)
                      and isinstance(m, nn.ConvTranspose2d) and m.in_channels == m.out_channels == 32)  # fmt: skip
    nn.init.zeros_(bottleneck.weight)
    plain.eval()
    a, b = plain(torch.rand(1, 3, 64, 64)), plain(torch.rand(1, 3, 64, 64))
    assert torch.equal(a, b)


def test_dropout_stands_only_where_it_is_asked_for() -> None:
    def dropouts(network: nn.Module) -> int:
        return sum(isinstance(m, nn.Dropout) for m in network.modules())

    assert dropouts(define_G(3, 3, 2, "resnet_9blocks", use_dropout=True)) == 9
    assert dropouts(define_G(3, 3, 2, "unet_256", use_dropout=True)) == 3
    assert dropouts(define_G(3, 3, 2, "unet_128", use_dropout=True)) == 2
    assert dropouts(define_G(3, 3, 2, "unet_256")) == 0


@pytest.mark.parametrize(
    ("init_type", "deviation"),
    # conv 16 -> 32, 3x3: fan_in 144, fan_out 288
    [("normal", 0.02), ("xavier", 0.02 * (2 / 432) ** 0.5), ("kaiming", (2 / 144) ** 0.5)],
)
def test_initial_weights_have_the_deviation_of_their_formula(init_type, deviation) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(16, 32, 3)
    init_weights(conv, init_type, 0.02)
    assert conv.weight.std().item() == pytest.approx(deviation, rel=0.05)
    assert conv.bias.abs().max() == 0


def test_orthogonal_weights_are_orthogonal() -> None:
    conv = nn.Conv2d(4, 8, 3)
    init_weights(conv, "orthogonal", 0.5)
    rows = conv.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, 0.25 * torch.eye(8))


@pytest.mark.parametrize("norm", ["batch", "syncbatch"])
def test_batch_norm_weights_are_drawn_around_one(norm) -> None:
    torch.manual_seed(0)
    weights = torch.cat(
        [p for k, p in define_G(3, 3, 32, "resnet_9blocks", norm).named_parameters() if p.dim() == 1 and "weight" in k]
    )  # fmt: skip
    assert weights.mean().item() == pytest.approx(1, abs=0.005)
    assert weights.std().item() == pytest.approx(0.02, rel=0.1)


def test_batch_norm_with_image_statistics_is_batch_norm_of_each_image_alone() -> None:
    torch.manual_seed(0)
    G = define_G(3, 3, 4, "unet_64", "batch").train()
    images = torch.rand(3, 3, 64, 64)
    alone = torch.cat([G(image[None]) for image in images])
    separate_images(G)
    torch.testing.assert_close(G(images), alone, rtol=1e-4, atol=1e-5)


def test_synchronized_batch_norm_alone_is_batch_norm() -> None:
    plain, synchronized = (
        define_G(3, 3, 2, "unet_64", "batch"),
        define_G(3, 3, 2, "unet_64", "syncbatch"),
    )
    synchronized.load_state_dict(plain.state_dict())
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(plain(images), synchronized(images))


@pytest.mark.parametrize("networks", [GENERATORS, DISCRIMINATORS])
def test_an_unknown_network_is_answered_with_the_known_ones(networks) -> None:
    with pytest.raises(ValueError, match=f"choose from {min(networks)}"):
        define_G(3, 3, 2, "x") if networks is GENERATORS else define_D(3, 2, "x")


def test_discriminators_of_several_scales_have_the_same_say_in_a_mean() -> None:
    D = define_D(3, 2, "n_layers", 1, "none", num_D=2)
    images = torch.rand(2, 3, 64, 64)
    fine, coarse = (scale(image) for scale, image in zip(D.scales, D.pyramid(images), strict=True))
    assert (fine.shape[-1], coarse.shape[-1]) == (30, 14)
    joined = D(images)
    assert joined.shape == (2, 2, 30, 30)
    assert torch.equal(joined[:, :1], fine)
    assert set(joined[0, 1].flatten().tolist()) == set(coarse[0].flatten().tolist())


@pytest.mark.parametrize("netD", ["basic", "pixel"])
def test_the_last_of_a_discriminators_features_are_its_logits(netD) -> None:
    D, images = define_D(3, 2, netD, num_D=2), torch.rand(1, 3, 64, 64)
    *_, logits = zip(*D.features(images), strict=True)
    assert torch.equal(D.join_logits(logits), D(images))
    (single,) = D.scales[0].features(images)
    assert torch.equal(single[-1], D.scales[0](images))
