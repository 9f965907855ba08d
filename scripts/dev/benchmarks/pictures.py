"""Pictures to measure with: smooth colours and some noise, which compress about as photographs do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """JPEG files of that size."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    paths = [folder / f"{i:04d}.jpg" for i in range(count)]
    for path in paths:
        coarse = rng.integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        noisy = np.asarray(smooth) + rng.normal(0, 6, (height, width, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return paths
