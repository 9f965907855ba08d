"""What a check of a data set keeps of each file that it decodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from data.checks import halves
from data.checks.duplicates import Fingerprint, fingerprint
from data.transforms import Size, to_network_range
from util.images import to_uint8
from util.images.domain import Domain
from util.images.label_maps import distinct_colours
from util.images.read import BadImage, read_image


@dataclass(frozen=True)
class Look:
    """What is kept of an image that was decoded.

    sides: what `halves.describe` says of the left and the right half of a pair, or of the one image that belongs to
        a pair; empty for others.
    values, outside: how many values it has, and how many of them lie outside the range of its side.
    """

    path: str
    size: Size
    fingerprint: Fingerprint
    sides: tuple[np.ndarray, ...] = ()
    values: int = 0
    outside: int = 0


def look(path: str, images: int, domains: tuple[Domain, ...]) -> Look | BadImage:
    """Decodes one file.

    Args:
        images: how many images of a pair it holds; 0 is an image that belongs to none.
        domains: of its parts, where a data set has some.
    """
    try:
        image = shown(path, domains)
        outside = max((domain.outside(path) for domain in domains), default=0)
    except BadImage as bad:
        return bad
    height, width = image.shape[:2]
    parts: tuple[np.ndarray, ...] = (image,)
    sides: tuple[np.ndarray, ...] = ()
    if images == 2:  # of odd widths the middle column counts twice
        parts = image[:, : (width + 1) // 2], image[:, width // 2 :]
    if images:
        sides = tuple(halves.describe(part) for part in parts)
    channels = domains[0].channels if domains else 3
    values = height * width * channels
    return Look(path, (height, width), fingerprint(image, parts), sides, values, outside)


def shown(path: str, domains: tuple[Domain, ...]) -> np.ndarray:
    """A file as uint8 (H, W, 3), whatever it holds. Raises: BadImage when it cannot be read as its domains say."""
    if all(domain.plain for domain in domains):
        return read_image(path, 3).permute(1, 2, 0).numpy()
    image, *_ = [domain.read(path) for domain in domains]
    if domains[0].labels:
        colours = np.vstack([distinct_colours(255), np.zeros((1, 3), np.uint8)])
        return colours[image[0].numpy()]
    levels = np.atleast_3d(
        to_uint8(to_network_range(image) if image.dtype == torch.uint8 else image)
    )
    return levels.repeat(3, axis=-1) if levels.shape[-1] == 1 else levels
