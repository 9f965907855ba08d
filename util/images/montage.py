"""Several images as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def grid(images: Sequence[np.ndarray], columns: int, padding: int = 2) -> np.ndarray:
    """Lays out (H, W, 3) or (H, W) images of any sizes -> one (H', W', 3) image, row by row on white."""
    height, width = (max(image.shape[i] for image in images) + 2 * padding for i in (0, 1))
    canvas = np.full((-(-len(images) // columns) * height, columns * width, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * height + padding, index % columns * width + padding
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = np.atleast_3d(image)
    return canvas
