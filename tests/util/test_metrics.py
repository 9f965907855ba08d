"""Metrics of image pairs: numbers that can be computed by hand, and other implementations."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
import torch
from conftest import picture

from options.metrics import OF_VALUES
from util.errors import InputError
from util.metrics import NAMES, Scorer, choose_metrics, metric, missing_metrics
from util.metrics.efficientnet_lite import perceptual_distance
from util.metrics.paired import PIXEL_METRICS
from util.metrics.pictures import as_images
from util.metrics.values import VALUE_METRICS

GREY = np.full((1, 4, 4, 3), 100, np.uint8)
COPY = 20 * math.log10(510)  # dB of an exact copy


def scored(names: str, *pairs: tuple[np.ndarray, np.ndarray]) -> Scorer:
    scorer = Scorer(names)
    for fake, real in pairs:
        scorer.add(fake, real)
    return scorer


def noisy(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with noise, and the pictures: uint8 (N, H, W, 3)."""
    real = np.stack([picture(seed, size, size) for seed in range(count)])
    noise = np.random.default_rng(0).normal(0, 12, real.shape)
    return (real + noise).clip(0, 255).astype(np.uint8), real


def test_a_difference_of_51_levels_is_a_fifth_and_14_decibels() -> None:
    summary = scored("l1,psnr", (GREY, GREY + np.uint8(51))).summary()
    assert summary["l1"] == pytest.approx(0.2)
    assert summary["psnr"] == pytest.approx(20 * math.log10(5))


def test_black_against_white_is_an_error_of_1_and_0_decibels() -> None:
    assert scored("l1,psnr", (GREY * 0, GREY * 0 + 255)).summary() == {"l1": 1, "psnr": 0}


def test_a_copy_has_the_decibels_of_half_a_grey_level() -> None:
    assert scored("l1,psnr", (GREY, GREY)).summary() == {"l1": 0, "psnr": pytest.approx(COPY)}


def test_every_image_has_its_own_value_and_the_summary_is_their_mean() -> None:
    scorer = scored("psnr", (np.concatenate([GREY, GREY]), np.concatenate([GREY, GREY + 51])))
    assert scorer.per_image()["psnr"] == pytest.approx([COPY, 20 * math.log10(5)])
    assert scorer.summary()["psnr"] == pytest.approx((COPY + 20 * math.log10(5)) / 2)


def test_batches_and_layouts_do_not_matter() -> None:
    fake, real = noisy(4, 16)
    whole = scored("l1,psnr", (fake, real)).per_image()
    singly = scored("l1,psnr", *((fake[i : i + 1], real[i : i + 1]) for i in range(4))).per_image()
    tensors = (torch.from_numpy(images).permute(0, 3, 1, 2) for images in (fake, real))
    assert whole == singly == scored("l1,psnr", tuple(tensors)).per_image()


def test_psnr_agrees_with_torchmetrics_and_scikit_image() -> None:
    functional = importlib.import_module("torchmetrics.functional.image")
    skimage = importlib.import_module("skimage.metrics")
    fake, real = noisy(2, 32)
    values = scored("psnr", (fake, real)).per_image()["psnr"]
    theirs = [skimage.peak_signal_noise_ratio(b, a) for a, b in zip(fake, real, strict=True)]
    assert values == pytest.approx(theirs)
    one = (torch.from_numpy(images[:1]).float() for images in (fake, real))
    assert values[0] == pytest.approx(
        functional.peak_signal_noise_ratio(*one, data_range=255.0).item(), abs=1e-4
    )


def test_ssim_agrees_with_scikit_image() -> None:
    skimage = importlib.import_module("skimage.metrics")
    fake, real = noisy(2, 32)
    theirs = [
        skimage.structural_similarity(
            a,
            b,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        for a, b in zip(fake, real, strict=True)
    ]
    assert scored("ssim", (fake, real)).per_image()["ssim"] == pytest.approx(theirs, abs=1e-4)


def test_a_copy_is_wholly_similar_and_noise_is_not() -> None:
    fake, real = noisy(2, 176)
    assert scored("ssim,ms_ssim", (real, real)).summary() == pytest.approx(
        {"ssim": 1, "ms_ssim": 1}
    )
    worse = scored("ssim,ms_ssim", (fake, real)).summary()
    assert 0 < worse["ssim"] < worse["ms_ssim"] < 0.99


@pytest.mark.parametrize(("name", "size", "least"), [("ssim", 10, 11), ("ms_ssim", 175, 176)])
def test_images_too_small_for_a_window_are_refused(name: str, size: int, least: int) -> None:
    small = np.zeros((1, size, 200, 3), np.uint8)
    with pytest.raises(InputError, match=f"{name} needs images of at least {least} pixels a side"):
        scored(name, (small, small))


def test_the_perceptual_distance_of_opposite_features_is_four_and_of_scaled_ones_zero() -> None:
    maps = [torch.rand(2, 3, 4, 4) + 0.1, torch.rand(2, 5, 2, 2) + 0.1]
    opposite = perceptual_distance(maps, [-one for one in maps])  # |u - (-u)|^2 for unit u
    assert opposite.tolist() == pytest.approx([4, 4])
    assert perceptual_distance(maps, [3 * one for one in maps]).tolist() == pytest.approx([0, 0])


def test_the_stand_in_for_lpips_sees_a_blur_rather_than_a_shift() -> None:
    edges = np.random.default_rng(0).integers(0, 2, (1, 16, 16, 1), np.uint8) * 255
    real = np.ascontiguousarray(np.broadcast_to(edges.repeat(8, 1).repeat(8, 2), (1, 128, 128, 3)))
    shifted = np.roll(real, 1, axis=2)
    blurred = (sum(np.roll(real.astype(int), i, axis=2) for i in range(-4, 5)) // 9).astype(
        np.uint8
    )
    same, shift, blur = scored("pd_lite0", *((f, real) for f in (real, shifted, blurred))).per_image()["pd_lite0"]  # fmt: skip
    assert same == 0
    assert 0 < shift < blur


def test_an_unknown_name_is_refused_with_all_that_are_known() -> None:
    for ask in (
        lambda: metric("fids"),
        lambda: choose_metrics("l1, fids"),
        lambda: Scorer(["fids"]),
    ):
        with pytest.raises(ValueError, match=f"no metric 'fids': choose from {', '.join(NAMES)}"):
            ask()
    with pytest.raises(ValueError, match="no metric is named"):
        choose_metrics(" , ")


def test_names_are_taken_once_each_in_their_order() -> None:
    assert choose_metrics("psnr, l1,psnr") == ("psnr", "l1")


def test_the_catalogue_says_which_way_is_better() -> None:
    assert {name for name in NAMES if not metric(name).lower_is_better} == {
        "psnr",
        "ssim",
        "ms_ssim",
        "pearson",
    }
    assert metric("l1").better(0.1, 0.2)
    assert metric("psnr").better(20, 10)
    assert all(metric(name).paired != (name[:2] in ("ki", "fi", "kd", "fd")) for name in NAMES)


def test_every_metric_of_pixels_has_its_function() -> None:
    of_pixels = {name for name in NAMES if metric(name).paired and not metric(name).network}
    assert of_pixels == set(VALUE_METRICS)
    assert of_pixels - set(OF_VALUES) == set(PIXEL_METRICS)


def test_pictures_of_pages_are_measured_as_images_with_channels() -> None:
    colour = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert as_images(colour).shape == (1, 3, 4, 5)
    assert torch.equal(as_images(colour)[0, 1], torch.from_numpy(colour[..., 1]))
    assert as_images(colour[..., 0]).shape == (1, 1, 4, 5)


def test_pixel_metrics_need_nothing() -> None:
    assert missing_metrics(["l1", "psnr"]) == {}
    assert metric("l1").needs == metric("psnr").needs == ""


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (GREY, GREY[:, :2]),
        (GREY, np.concatenate([GREY, GREY])),
        (GREY, None),
    ],
)
def test_what_is_no_pair_is_refused(fake, real) -> None:
    with pytest.raises(ValueError, match="l1 compares pairs"):
        Scorer("l1").add(fake, real)


@pytest.mark.parametrize("images", [GREY[0], GREY.astype(np.float32), GREY[..., :2]])
def test_what_is_no_batch_of_8_bit_images_is_refused(images) -> None:
    with pytest.raises(ValueError, match="images must be uint8"):
        Scorer("l1").add(images, images)


def test_nothing_has_no_score() -> None:
    with pytest.raises(ValueError, match="no images to score"):
        Scorer("l1").summary()
