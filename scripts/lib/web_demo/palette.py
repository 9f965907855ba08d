"""The colours of pictures."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

# Largest lightness and hue in degrees of each name.
GREYS = ((0.1, "black"), (0.35, "dark grey"), (0.65, "grey"), (0.93, "light grey"), (1.0, "white"))
HUES = (
    (15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"), (255, "blue"), (290, "purple"),
    (340, "pink"), (360, "red"),
)  # fmt: skip
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


def colour_name(colour: str) -> str:
    """Returns plain words for #rrggbb, such as "dark blue"."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if max(red, green, blue) - min(red, green, blue) < 0.08 or saturation < 0.12:
        return next(name for most, name in GREYS if lightness <= most)
    name = next(name for most, name in HUES if 360 * hue <= most)
    if name in ("orange", "red") and lightness < 0.4:
        return "brown" if lightness > 0.2 or name == "orange" else "dark red"
    if name == "red" and lightness > 0.7:
        return "pink"
    return f"{'dark ' if lightness < 0.33 else 'light ' if lightness > 0.7 else ''}{name}"


def _distance(one: int, other: int) -> int:
    return max(abs((one >> shift & 255) - (other >> shift & 255)) for shift in (0, 8, 16))
