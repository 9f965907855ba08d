"""Distances between two sets of images, from their features: float64 (n, d) and (m, d)."""

from __future__ import annotations

import math

import torch
from torch import nn

SCALE = 1000  # kernel distances are shown so


def kernel_distance(fake: torch.Tensor, real: torch.Tensor) -> tuple[float, float]:
    """Computes KID's formula (Binkowski et al. 2018): squared MMD with the kernel (x.y / d + 1)^3, times 1000.

    All images at once and unbiased, so that same sets give 0 on average and values below 0 occur; torchmetrics'
    own class takes random subsets, of equal size, and so another value each time.
    Returns: the value, and its standard error by the jackknife over images; NaN for fewer than 3 images.
    Raises: ValueError for fewer than 2 images.
    """
    from torchmetrics.image.kid import poly_kernel

    n, m = len(fake), len(real)
    if min(n, m) < 2:
        raise ValueError(f"a kernel distance needs 2 images of each set, found {n} and {m}")
    within_fake = poly_kernel(fake, fake).fill_diagonal_(0).sum(1)
    within_real = poly_kernel(real, real).fill_diagonal_(0).sum(1)
    between = poly_kernel(fake, real)
    value = (
        within_fake.sum() / (n * (n - 1))
        + within_real.sum() / (m * (m - 1))
        - 2 * between.sum() / (n * m)
    )
    variance = _jackknife(within_fake, between.sum(1), m) + _jackknife(
        within_real, between.sum(0), n
    )
    return SCALE * float(value), SCALE * math.sqrt(variance)


def _jackknife(within: torch.Tensor, between: torch.Tensor, others: int) -> float:
    """Returns the variance of the distance that is due to one set: each of its images left out in turn.

    Args:
        within: (n,) sums of each image's kernel with the rest of its set.
        between: (n,) with the other set, which has `others` images.
    """
    n = len(within)
    if n < 3:
        return math.nan
    left = (within.sum() - 2 * within) / ((n - 1) * (n - 2))
    left = left - 2 * (between.sum() - between) / ((n - 1) * others)
    return float((n - 1) / n * (left - left.mean()).square().sum())


class _Given(nn.Identity):
    """Stands for the network: torchmetrics gets features instead of images."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def frechet_distance(fake: torch.Tensor, real: torch.Tensor) -> float:
    """Computes FID's formula (Heusel et al. 2017), by torchmetrics. Too large for few images: compare at equal n only.

    Raises: ValueError for fewer than 2 images.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    if min(len(fake), len(real)) < 2:
        raise ValueError(
            f"a Frechet distance needs 2 images of each set, found {len(fake)} and {len(real)}"
        )
    measure = FrechetInceptionDistance(feature=_Given(fake.shape[1]))
    measure.update(fake, real=False)
    measure.update(real, real=True)
    return float(measure.compute())
