"""Intervals of differences between two runs, for chance in the choice of test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """Difference of two means over the same n images, with a 95 % interval."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def paired_difference(one: Sequence[float], other: Sequence[float], *, seed: int = 0) -> Difference:
    """Computes the mean of one - other, value by value, by the percentile bootstrap over images (Efron 1979).

    Raises: ValueError for no values, or lengths that differ.
    """
    values = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    n = len(values)
    if not n:
        raise ValueError("no images to compare")
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, n, n)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(float(values.mean()), float(low), float(high), n)
