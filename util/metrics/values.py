"""Distances of images from their own truths in the numbers of their files, for files of any depth.

Images are float64 (H, W, C) in the files' units, fake and real of one shape; NaN in either marks pixels without data,
which are left out. Shares of the range are 0 at its low end and 1 at its high end; pixels beyond it count as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from options.types import Range
from util.errors import InputError
from util.images.values import ends
from util.metrics.paired import SMALLEST, check_size
from util.metrics.weights import need

FINEST = 2.0**-24  # of the range: what floats of 32 bits can tell apart


def mae(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes the mean absolute error in units of the files."""
    return _mean(np.abs(fake - real))


def rmse(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes the root of the mean squared error, in units of the files."""
    return math.sqrt(_mean(np.square(fake - real)))


def nrmse(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes the RMSE as a part of the truth's own span, from its least value to its largest; NaN where it has none."""
    present = real[~_missing(fake, real)]
    span = float(np.ptp(present)) if present.size else 0.0
    return rmse(fake, real, bounds) / span if span else math.nan


def pearson(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes Pearson's correlation of all values; NaN where one of the images is constant."""
    present = ~_missing(fake, real)
    x, y = fake[present], real[present]
    if not x.size or not np.ptp(x) or not np.ptp(y):
        return math.nan
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def l1(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes the mean absolute error as a part of the range."""
    return _mean(np.abs(_shares(fake, bounds) - _shares(real, bounds)))


def psnr(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes the peak signal to noise ratio in dB, with the range as the peak.

    For an exact copy stands the error of half a whole number, or of the finest step of floats.
    """
    low, high = ends(bounds)
    least = 0.5 / float(np.max(high - low)) if bounds.whole else FINEST
    error = _mean(np.square(_shares(fake, bounds) - _shares(real, bounds)))
    return -10 * math.log10(max(error, least**2)) if math.isfinite(error) else math.nan


def ssim(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes structural similarity (Wang et al. 2004) as for 8 bits, with the range as the data's.

    Averaged over windows that lie within the image and hold no missing pixel.
    Raises: InputError for images smaller than the window.
    """
    check_size("ssim", torch.from_numpy(fake).movedim(-1, 0))
    missing = _missing(fake, real)[..., None]
    x, y = (np.where(missing, 0, _shares(one, bounds)) for one in (fake, real))
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x, var_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    C1, C2 = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    similarity /= (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    whole = _blurred(missing.astype(np.float64))[..., 0] == 0
    return float(similarity[whole].mean()) if whole.any() else math.nan


def _blurred(image: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (H - 10, W - 10, C) by SSIM's gaussian window; one axis after the other, which needs little memory."""
    distance = np.arange(SMALLEST["ssim"]) - SMALLEST["ssim"] // 2
    weights = np.exp(-(distance**2) / (2 * 1.5**2))
    weights /= weights.sum()
    height, width = (side - len(weights) + 1 for side in image.shape[:2])
    lower = np.zeros((height, *image.shape[1:]))
    for place, weight in enumerate(weights):
        lower += weight * image[place : place + height]
    narrower = np.zeros((height, width, *image.shape[2:]))
    for place, weight in enumerate(weights):
        narrower += weight * lower[:, place : place + width]
    return narrower


def ms_ssim(fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes SSIM at five scales (Wang et al. 2003); NaN for images with missing pixels.

    Raises: InputError for images too small to be halved so often.
    """
    need("ms_ssim", "torchmetrics")
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as measure,
    )

    if _missing(fake, real).any():
        return math.nan
    shares = (np.moveaxis(_shares(one, bounds), -1, 0) for one in (fake, real))
    x, y = (torch.from_numpy(np.ascontiguousarray(one, np.float32))[None] for one in shares)
    check_size("ms_ssim", x)
    return float(measure(x, y, data_range=1.0))


VALUE_METRICS: dict[str, Callable[[np.ndarray, np.ndarray, Range], float]] = {
    "mae": mae,
    "rmse": rmse,
    "nrmse": nrmse,
    "pearson": pearson,
    "l1": l1,
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
}


def measure_values(name: str, fake: np.ndarray, real: np.ndarray, bounds: Range) -> float:
    """Computes a metric of `VALUE_METRICS`. Raises: InputError where shapes differ, or for too small images."""
    if fake.shape != real.shape:
        raise InputError(f"{name} compares images of one shape, not {fake.shape} and {real.shape}")
    return VALUE_METRICS[name](fake, real, bounds)


def _missing(fake: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(H, W), where either image has no data."""
    return np.asarray(np.isnan(fake).any(-1) | np.isnan(real).any(-1))


def _mean(distances: np.ndarray) -> float:
    """Averages over all pixels but those in which any channel is NaN; NaN where none is left."""
    present = distances[~np.isnan(distances).any(-1)]
    return float(present.mean()) if present.size else math.nan


def _shares(image: np.ndarray, bounds: Range) -> np.ndarray:
    low, high = ends(bounds)
    return (image - low) / (high - low)
