"""Numbers of a page of results: sizes of pictures, and how far outputs are from what they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from util.metrics.catalogue import metric
from util.metrics.paired import PIXEL_METRICS
from util.pages.gallery.content import Column, Example, Place

METRICS = {"fake_": ("l1", "psnr"), "rec_": ("l1",)}  # by the first part of the label


class PictureMeasures(NamedTuple):
    """Sizes and scores of the pictures of one item.

    Attributes:
        sizes: label -> width, height.
        values: (label, metric) -> value.
    """

    sizes: dict[str, tuple[int, int]]
    values: dict[Place, float]


def measure_pictures(
    paths: Mapping[str, str], pictures: Mapping[str, np.ndarray]
) -> PictureMeasures:
    """Sizes of uint8 pictures (H, W, 3) or (H, W), and values of those whose truth is there and of the same input.

    A translation of an unpaired image lies beside an image that is not its truth: they are of different paths.
    """
    values = {}
    for label in pictures:
        kind = label.partition("_")[0] + "_"
        truth = truth_of(label)
        if truth not in pictures or paths[truth] != paths[label]:
            continue
        if pictures[truth].shape == pictures[label].shape:
            for name in METRICS[kind]:
                values[label, name] = distance(name, pictures[label], pictures[truth])
    return PictureMeasures({label: p.shape[1::-1] for label, p in pictures.items()}, values)


def truth_of(label: str) -> str:
    """Returns the label of what a picture should be: real_B for fake_B and rec_B; "" for others."""
    kind, _, rest = label.partition("_")
    return f"real_{rest}" if rest and f"{kind}_" in METRICS else ""


def distance(name: str, one: np.ndarray, other: np.ndarray) -> float:
    """Returns a metric of pixels, of two pictures of one shape (H, W, 3) or (H, W)."""
    fake, real = (torch.tensor(p).reshape(1, 1, len(p), -1) for p in (one, other))
    return PIXEL_METRICS[name](fake, real).item()


def metric_columns(examples: Sequence[Example]) -> list[Column]:
    """Returns columns of all values, named by the metric alone where only one output is measured."""
    places = list(dict.fromkeys(place for example in examples for place in example.values))
    alone = len({label for label, _ in places}) == 1
    return [
        column(place, place[1] if alone else f"{place[0]} {place[1]}", place[1]) for place in places
    ]


def column(place: Place, key: str, name: str) -> Column:
    """Returns the column of the metric `name`."""
    return Column(place, key, metric(name).lower_is_better, metric(name).decimals)


def first_pair(columns: Sequence[Column]) -> tuple[str, str]:
    """Returns the labels of the first output and its truth; ("", "") when nothing is measured."""
    outputs = [each.place[0] for each in columns if each.place[0].startswith("fake_")]
    return (outputs[0], truth_of(outputs[0])) if outputs else ("", "")


def meanings(names: Sequence[str]) -> list[str]:
    """Explains metrics in one line; none for none."""
    text = "; ".join(f"{name}: {metric(name).title}" for name in dict.fromkeys(names))
    return [text] if text else []
