"""How far translated images are from the truth, and what doing nothing would score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """Means over images: l1 in 0..1 of the grey range, psnr in dB (each image's own, averaged)."""

    l1: float
    psnr: float


def score(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Score:
    """Scores uint8 images (H, W, C) against their truths of the same shape."""
    l1, psnr = [], []
    for image, truth in pairs:
        difference = image.astype(np.float64) - truth
        l1.append(np.abs(difference).mean() / 255)
        # An exact copy would have infinitely many dB; a half grey level's error stands for it.
        psnr.append(10 * np.log10(255**2 / max(np.square(difference).mean(), 0.25)))
    if not l1:
        raise ValueError("no images to score")
    return Score(float(np.mean(l1)), float(np.mean(psnr)))


def mean_image(images: Iterable[np.ndarray]) -> np.ndarray:
    """The pixelwise mean of uint8 images of one shape, as nearest grey levels."""
    total, count = np.zeros(()), 0
    for image in images:
        total = total + image.astype(np.float64)
        count += 1
    return (total / count).round().astype(np.uint8)
