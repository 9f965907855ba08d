"""Trivial answers: a model has learnt something where it beats them. The other one is the input as the output."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def mean_image(images: Iterable[np.ndarray]) -> np.ndarray:
    """The pixelwise mean of uint8 images of one shape, as nearest grey levels. Raises: ValueError for none."""
    total, count = np.zeros(()), 0
    for image in images:
        total = total + image.astype(np.float64)
        count += 1
    if not count:
        raise ValueError("no images to take the mean of")
    return (total / count).round().astype(np.uint8)
