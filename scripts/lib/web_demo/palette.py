"""The colours of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

NEAR = 24  # grey levels in any channel within which two colours are one to the eye


def palette(pictures: Sequence[Image.Image], most: int = 12) -> list[str]:
    """Returns the colours that stand for most of the pictures, as #rrggbb, the commonest first.

    Of each group of similar colours the commonest one, exactly: of label maps these are the labels.
    """
    strip = Image.fromarray(np.concatenate([np.asarray(one) for one in pictures]))
    groups = np.asarray(strip.quantize(2 * most, Image.Quantize.MAXCOVERAGE)).ravel()
    r, g, b = np.asarray(strip).reshape(-1, 3).astype(np.int64).T
    codes = r << 16 | g << 8 | b
    found = Counter[int]()
    for group in np.unique(groups):
        values, counts = np.unique(codes[groups == group], return_counts=True)
        found[int(values[counts.argmax()])] += int(counts.sum())
    kept: list[int] = []
    for code, _ in found.most_common():
        if all(_distance(code, other) > NEAR for other in kept):
            kept.append(code)
    return [f"#{code:06x}" for code in kept[:most]]


def _distance(one: int, other: int) -> int:
    return max(abs((one >> shift & 255) - (other >> shift & 255)) for shift in (0, 8, 16))
