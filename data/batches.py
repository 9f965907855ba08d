"""Items -> batches: neighbours that can be stacked, and what could not be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import default_collate

from data.image_reader import BadImage
from data.transforms import to_network_range


@dataclass(frozen=True)
class Share:
    """Items of a batch that follow each other and can be stacked, with the bad ones among them.

    Attributes:
        batch: None when all are bad. Images are NumPy arrays: from process to process these take half
            the time of small tensors, each of which is a shared file.
        images: how many, good and bad.
    """

    batch: dict[str, Any] | None
    images: int
    bad: list[BadImage]

    def pin_memory(self) -> Share:
        """With images that a GPU can fetch by itself; PyTorch's loader calls it."""
        if self.batch is None:
            return self
        pinned = {
            key: value.pin_memory() if torch.is_tensor(value) else value
            for key, value in _as_tensors(self.batch).items()
        }
        return replace(self, batch=pinned)

    def on(self, device: torch.device) -> dict[str, Any]:
        """The batch as tensors on the device; 8-bit A and B travel as they are and become [-1, 1] there."""
        assert self.batch is not None
        batch = _as_tensors(self.batch)
        for key, value in batch.items():
            if torch.is_tensor(value):
                # Only from pinned memory is it safe not to wait.
                moved = value.to(device, non_blocking=value.is_pinned())
                is_image = key in ("A", "B") and moved.dtype == torch.uint8
                batch[key] = to_network_range(moved) if is_image else moved
        return batch


def collate_chunk(items: list[dict[str, Any] | BadImage], batch_size: int) -> list[list[Share]]:
    """The batches of several steps, which travel together: one by one small batches would take longer."""
    starts = range(0, len(items), batch_size)
    return [collate(items[start : start + batch_size]) for start in starts]


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
    batch = {key: _stacked([item[key] for item in good]) for key in good[0]} if good else None
    return Share(batch, len(items), bad)


def _stacked(values: list[Any]) -> Any:
    if torch.is_tensor(values[0]) and values[0].dtype != torch.bfloat16:  # which NumPy lacks
        return np.stack([value.detach().numpy() for value in values])
    return default_collate(values)


def _as_tensors(batch: dict[str, Any]) -> dict[str, Any]:
    return {
        key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for key, value in batch.items()
    }
