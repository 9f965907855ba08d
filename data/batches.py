"""Items -> batches: neighbours that can be stacked, and what could not be used."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.utils.data import default_collate

from data.image_reader import BadImage


class Share(NamedTuple):
    """Items of a batch that follow each other and can be stacked, with the bad ones among them."""

    batch: dict[str, Any] | None
    images: int  # good and bad
    bad: list[BadImage]


def collate(items: list[dict[str, Any] | BadImage]) -> list[Share]:
    """Neighbours whose tensors have the same shapes, stacked; bad images count with those before them."""
    groups: list[list[dict[str, Any] | BadImage]] = [[]]
    previous = None
    for item in items:
        if not isinstance(item, BadImage):
            shapes = {key: value.shape for key, value in item.items() if torch.is_tensor(value)}
            if previous is not None and shapes != previous:
                groups.append([])
            previous = shapes
        groups[-1].append(item)
    return [_share(group) for group in groups]


def _share(items: list[dict[str, Any] | BadImage]) -> Share:
    good = [item for item in items if not isinstance(item, BadImage)]
    bad = [item for item in items if isinstance(item, BadImage)]
    return Share(default_collate(good) if good else None, len(items), bad)
