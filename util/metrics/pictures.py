"""Measures result pictures: their sizes, and how far outputs are from what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch

from util.images.values import Values
from util.metrics.paired import PIXEL_METRICS
from util.metrics.values import measure_values

METRICS = {"fake_": ("l1", "psnr"), "rec_": ("l1",)}  # by the first part of the label
VALUES = {"fake_": ("mae", *METRICS["fake_"]), "rec_": ("mae",)}  # of more than 8 bits


class PictureMeasures(NamedTuple):
    """Measures of the pictures of one item.

    Attributes:
        sizes: label -> width, height.
        values: (label, metric) -> value.
    """

    sizes: dict[str, tuple[int, int]]
    values: dict[tuple[str, str], float]


def measure_pictures(
    paths: Mapping[str, str],
    pictures: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray] = MappingProxyType({}),
    sides: Mapping[str, Values] = MappingProxyType({}),
) -> PictureMeasures:
    """Measures uint8 pictures (H, W, 3) or (H, W): sizes of all, and values of those whose truth is there.

    Where the network's float32 (C, H, W) of a label and its truth are among the values, these are measured, as files of
    its side, "A" or "B", hold them.

    A translation of an unpaired image lies beside an image that is not its truth: their files have different names. Equal
    names count as a pair, as in validation and scripts/evaluate.py.
    """
    measured = {}
    for label in pictures:
        kind = label.partition("_")[0] + "_"
        truth = truth_of(label)
        if truth not in pictures or PurePath(paths[truth]).stem != PurePath(paths[label]).stem:
            continue
        side = sides.get(label[-1])
        if side and side.deep and {label, truth} <= values.keys():
            if values[label].shape == values[truth].shape:
                made, wanted = (
                    side.numbers(np.moveaxis(values[one], 0, -1)) for one in (label, truth)
                )
                for name in VALUES[kind]:
                    measured[label, name] = measure_values(name, made, wanted, side.bounds)
        elif pictures[truth].shape == pictures[label].shape:
            fake, real = (as_images(pictures[one]) for one in (label, truth))
            for name in METRICS[kind]:
                measured[label, name] = PIXEL_METRICS[name](fake, real).item()
    return PictureMeasures({label: p.shape[1::-1] for label, p in pictures.items()}, measured)


def truth_of(label: str) -> str:
    """The label of what a picture should be: real_B for fake_B and rec_B; "" for others."""
    kind, _, rest = label.partition("_")
    return f"real_{rest}" if rest and f"{kind}_" in METRICS else ""


def as_images(picture: np.ndarray) -> torch.Tensor:
    """A picture (H, W, C) or (H, W) as one image (1, C, H, W), in the same memory where that may be written."""
    return torch.from_numpy(np.require(np.atleast_3d(picture), requirements="W")).permute(2, 0, 1)[
        None
    ]
