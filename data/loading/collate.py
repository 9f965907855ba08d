"""Items -> batches: neighbours that can be stacked, and what could not be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch.utils.data import default_collate

from data.transforms import to_network_range
from util.images.read import BadImage

ALIGNED = 64  # bytes


class SharedMemoryFull(RuntimeError):
    """A loader process cannot hand over its images."""


@dataclass(frozen=True)
class SubBatch:
    """Items of a batch that follow each other and can be stacked, with the bad ones among them.

    Attributes:
        batch: None when all are bad.
        images: how many, good and bad.
    """

    batch: dict[str, Any] | None
    images: int
    bad: list[BadImage]

    def on(self, device: torch.device) -> dict[str, Any]:
        """The batch with its tensors on the device; 8-bit A and B travel as they are and become [-1, 1] there."""
        assert self.batch is not None
        batch = dict(self.batch)
        for key, value in batch.items():
            if torch.is_tensor(value):
                # Only from pinned memory is it safe not to wait.
                moved = value.to(device, non_blocking=value.is_pinned())
                is_image = key in ("A", "B") and moved.dtype == torch.uint8
                batch[key] = to_network_range(moved) if is_image else moved
        return batch


class _Slot(NamedTuple):
    """Where in a chunk's memory a tensor lies."""

    start: int
    end: int
    dtype: torch.dtype
    shape: torch.Size


@dataclass(frozen=True)
class SharedBlock:
    """The batches of several steps, with all their tensors in one piece of memory.

    From a loader process every tensor travels as a shared file, which for many small ones takes longer than
    loading them. Through the pipe itself no large message may go: a process killed in the middle of one would
    leave the other waiting for its rest.
    """

    batches: list[list[SubBatch]]
    memory: torch.Tensor

    @classmethod
    def of(cls, batches: list[list[SubBatch]]) -> SharedBlock:
        places: list[tuple[_Slot, torch.Tensor]] = []

        def placed(value: Any) -> Any:
            if not torch.is_tensor(value):
                return value
            start = -(-places[-1][0].end // ALIGNED) * ALIGNED if places else 0
            end = start + value.numel() * value.element_size()
            places.append((_Slot(start, end, value.dtype, value.shape), value))
            return places[-1][0]

        packed = [[_with_values(part, placed) for part in parts] for parts in batches]
        memory = _empty(places[-1][0].end if places else 0)
        for place, value in places:
            _at(memory, place).copy_(value)
        return cls(packed, memory)

    def pin_memory(self) -> SharedBlock:
        """In memory that a GPU can fetch from by itself; PyTorch's loader calls it."""
        return replace(self, memory=self.memory.pin_memory())

    def unpack(self) -> list[list[SubBatch]]:
        """The batches with their tensors."""

        def found(value: Any) -> Any:
            return _at(self.memory, value) if isinstance(value, _Slot) else value

        return [[_with_values(part, found) for part in parts] for parts in self.batches]


def _empty(size: int) -> torch.Tensor:
    """Bytes that can be handed over: in a loader process they are shared memory.

    PyTorch would share them later, in a thread whose failure nobody hears of: the batch would be waited for for ever.
    Raises: SharedMemoryFull.
    """
    if torch.utils.data.get_worker_info() is None or not size:
        return torch.empty(size, dtype=torch.uint8)
    try:
        storage = torch.UntypedStorage._new_shared(size)
    except (RuntimeError, OSError) as error:
        raise SharedMemoryFull(str(error)) from None
    return torch.empty(0, dtype=torch.uint8).set_(storage)


def _at(memory: torch.Tensor, place: _Slot) -> torch.Tensor:
    return memory[place.start : place.end].view(place.dtype).view(place.shape)


def _with_values(part: SubBatch, change: Callable[[Any], Any]) -> SubBatch:
    if part.batch is None:
        return part
    return replace(part, batch={key: change(value) for key, value in part.batch.items()})


def collate_block(items: list[dict[str, Any] | BadImage], batch_size: int) -> SharedBlock:
    """The batches of several steps."""
    starts = range(0, len(items), batch_size)
    return SharedBlock.of([collate(items[start : start + batch_size]) for start in starts])


def collate(items: list[dict[str, Any] | BadImage]) -> list[SubBatch]:
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
    return [_sub_batch(group) for group in groups]


def _sub_batch(items: list[dict[str, Any] | BadImage]) -> SubBatch:
    good = [item for item in items if not isinstance(item, BadImage)]
    bad = [item for item in items if isinstance(item, BadImage)]
    batch = {key: _stacked([item[key] for item in good]) for key in good[0]} if good else None
    return SubBatch(batch, len(items), bad)


def _stacked(values: list[Any]) -> Any:
    if torch.is_tensor(values[0]):
        return torch.stack([value.detach() for value in values])
    return default_collate(values)
