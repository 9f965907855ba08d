"""Measures result pictures: their sizes, and how far outputs are from what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
import torch

from util.metrics.paired import PIXEL_METRICS

METRICS = {"fake_": ("l1", "psnr"), "rec_": ("l1",)}  # by the first part of the label


class PictureMeasures(NamedTuple):
    """Measures of the pictures of one item.

    Attributes:
        sizes: label -> width, height.
        values: (label, metric) -> value.
    """

    sizes: dict[str, tuple[int, int]]
    values: dict[tuple[str, str], float]


def measure_pictures(
    paths: Mapping[str, str], pictures: Mapping[str, np.ndarray]
) -> PictureMeasures:
    """Measures uint8 pictures (H, W, 3) or (H, W): sizes of all, and values of those whose truth is there.

    A translation of an unpaired image lies beside an image that is not its truth: their files have different names. Equal
    names count as a pair, as in validation and scripts/evaluate.py.
    """
    values = {}
    for label in pictures:
        kind = label.partition("_")[0] + "_"
        truth = truth_of(label)
        if truth not in pictures or PurePath(paths[truth]).stem != PurePath(paths[label]).stem:
            continue
        if pictures[truth].shape == pictures[label].shape:
            fake, real = (as_images(pictures[one]) for one in (label, truth))
            for name in METRICS[kind]:
                values[label, name] = PIXEL_METRICS[name](fake, real).item()
    return PictureMeasures({label: p.shape[1::-1] for label, p in pictures.items()}, values)


def truth_of(label: str) -> str:
    """The label of what a picture should be: real_B for fake_B and rec_B; "" for others."""
    kind, _, rest = label.partition("_")
    return f"real_{rest}" if rest and f"{kind}_" in METRICS else ""


def as_images(picture: np.ndarray) -> torch.Tensor:
    """A picture (H, W, C) or (H, W) as one image (1, C, H, W), in the same memory where that may be written."""
    return torch.from_numpy(np.require(np.atleast_3d(picture), requirements="W")).permute(2, 0, 1)[
        None
    ]
