"""Metrics in the numbers of files: closed forms, and scikit-image's where there is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from options.metrics import metric
from options.types import EIGHT_BITS, parse_range
from util.images.values import Values
from util.metrics import Scorer
from util.metrics.paired import PIXEL_METRICS
from util.metrics.pictures import measure_pictures
from util.metrics.values import VALUE_METRICS

COUNTS = parse_range("range_B", "0,9000")


def pair(seed: int = 0, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    real = rng.integers(200, 9001, (40, 48, channels)).astype(np.float64)
    return (real + rng.integers(-300, 301, real.shape)).clip(0, 9000), real


def test_errors_are_in_counts_and_as_parts_of_the_span_and_of_the_range() -> None:
    fake, real = pair()
    error = fake - real
    expected = {
        "mae": np.abs(error).mean(),
        "rmse": np.sqrt((error**2).mean()),
        "nrmse": np.sqrt((error**2).mean()) / (real.max() - real.min()),
        "pearson": np.corrcoef(fake.ravel(), real.ravel())[0, 1],
        "l1": np.abs(error).mean() / 9000,
        "psnr": 10 * np.log10(9000**2 / (error**2).mean()),
    }
    for name, value in expected.items():
        assert VALUE_METRICS[name](fake, real, COUNTS) == pytest.approx(value, rel=1e-12), name


def test_ssim_is_that_of_scikit_image_with_the_range_as_data_range() -> None:
    fake, real = pair()
    expected, windows = structural_similarity(
        fake[..., 0],
        real[..., 0],
        data_range=9000,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    inner = windows[5:-5, 5:-5].mean()
    assert VALUE_METRICS["ssim"](fake, real, COUNTS) == pytest.approx(inner, abs=1e-6)
    assert expected == pytest.approx(inner, abs=0.05)


@pytest.mark.parametrize("name", sorted(PIXEL_METRICS))
def test_of_8_bit_numbers_they_are_what_they_are_of_pictures(name) -> None:
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (1, 3, 192, 192), dtype=np.uint8)
    fake = np.clip(real.astype(int) + rng.integers(-9, 10, real.shape), 0, 255).astype(np.uint8)
    expected = PIXEL_METRICS[name](torch.from_numpy(fake), torch.from_numpy(real)).item()
    numbers = (np.moveaxis(one[0], 0, -1).astype(np.float64) for one in (fake, real))
    assert VALUE_METRICS[name](*numbers, EIGHT_BITS) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", [name for name in VALUE_METRICS if name != "ms_ssim"])
def test_missing_pixels_do_not_count_on_either_side(name) -> None:
    fake, real = pair(channels=2)
    left = VALUE_METRICS[name](fake[:, :30], real[:, :30], COUNTS)
    fake[:, 30:40, 0], real[:, 35:, 1] = np.nan, np.nan
    assert VALUE_METRICS[name](fake, real, COUNTS) == pytest.approx(left, rel=1e-9)
    assert math.isnan(VALUE_METRICS[name](fake * np.nan, real, COUNTS))


def test_channels_of_their_own_ranges_weigh_alike() -> None:
    bounds = parse_range("range_B", "0,1;0,1000")
    real = np.zeros((16, 16, 2))
    fake = real + np.array([0.1, 100.0])
    assert VALUE_METRICS["l1"](fake, real, bounds) == pytest.approx(0.1)
    assert VALUE_METRICS["mae"](fake, real, bounds) == pytest.approx(50.05)


def test_a_scorer_takes_numbers_of_files_and_leaves_out_what_is_not_defined() -> None:
    scorer = Scorer("mae,pearson", bounds=COUNTS)
    fake, real = pair()
    scorer.add(fake[None], real[None])
    scorer.add(fake[None], np.full_like(real, 5.0)[None])  # of a constant there is no correlation
    expected = np.corrcoef(fake.ravel(), real.ravel())[0, 1]
    assert scorer.summary()["pearson"] == pytest.approx(expected)
    assert math.isnan(scorer.per_image()["pearson"][1])
    pictures = Scorer("mae")
    pictures.add(np.zeros((1, 8, 8, 1), np.uint8), np.full((1, 8, 8, 1), 7, np.uint8))
    assert pictures.summary() == {"mae": 7}


def test_numbers_in_units_are_shown_with_all_their_digits() -> None:
    assert metric("mae").text(1063.123456) == "1063.123456"
    assert metric("mae").text(0.000123456789) == "0.000123456789"
    assert metric("l1").text(0.123456) == "0.1235"


def test_result_pages_measure_the_values_and_not_their_pictures() -> None:
    values = Values("B", 1, COUNTS)
    fake, real = (np.full((1, 8, 8), level, np.float32) for level in (0.01, 0.0))
    pictures = {label: np.full((8, 8), 128, np.uint8) for label in ("fake_B", "real_B")}
    paths = dict.fromkeys(pictures, "a.tif")
    found = measure_pictures(paths, pictures, {"fake_B": fake, "real_B": real}, {"B": values})
    assert found.values["fake_B", "mae"] == 45
    assert found.values["fake_B", "l1"] == pytest.approx(45 / 9000)
