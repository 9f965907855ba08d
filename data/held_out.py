"""Splits for validation and testing: in a fixed order, without augmentation, each process its share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import Any, TypeGuard

import torch

from data import create_dataset
from data.base_dataset import BaseDataset, Source
from data.loading.collate import SubBatch, collate
from data.loading.loader import Loader
from options.base_options import DataOptions, ModelOptions
from options.test_options import inherited
from options.train_options import TrainOptions
from options.types import MEASURE
from util import distributed
from util.errors import InputError
from util.images.names import without_suffix
from util.images.read import BadImage

MOST_PIXELS = 1 << 20  # of an image that is translated while a training holds the memory


def as_tested(options: TrainOptions) -> DataOptions:
    """Returns the data options with which test.py reads the images of a run: all of them, without random preprocessing."""
    taken = inherited(options.values(), options.model.model)
    sizes = ("preprocess", "load_size", "crop_size")
    changes = {name: taken[name] for name in sizes if name in taken}
    return replace(options.data, max_dataset_size=math.inf, crops_per_image=1, **changes)


def open_held_out(data: DataOptions, model: ModelOptions, phase: str, seed: int) -> BaseDataset:
    """Opens a split whose A and B go side by side, every image of both used.

    Raises: InputError when folders or images are missing.
    """
    for name in ("range_A", "range_B"):
        if getattr(data, name) == MEASURE:
            raise InputError(
                f"--{name} measure is for training, which records the range that it finds: leave the flag out here"
            )
    source = Source.of(model, phase=phase, augment=False, seed=seed)
    return create_dataset(replace(data, serial_batches=True), source)


def validation_batches(
    options: TrainOptions, batch_size: int, device: torch.device, phase: str
) -> Callable[[float], Iterator[dict[str, Any]]]:
    """Opens a split, whose first so many images are read at every call of what is returned.

    Raises: InputError when folders or images are missing.
    """
    dataset = open_held_out(as_tested(options), options.model, phase, options.run.seed)
    limit = options.val.val_images
    return lambda most: readable(held_out_loader(dataset, min(most, limit), batch_size, device))


@dataclass(frozen=True)
class FixedItems:
    """A few items of a split.

    Attributes:
        phase, names: the split, and what the items are called in it.
        batches: gives them, in their order, on the device.
    """

    phase: str
    names: list[str]
    batches: Callable[[], Iterator[dict[str, Any]]]


def open_fixed_items(options: TrainOptions, count: int, device: torch.device) -> FixedItems | None:
    """Reads `count` items, spread evenly over the split of --val_phase, or over that of the training where there is none.

    None where no image can be read, or all are too large to be translated during a training.
    """
    for phase in (options.val.val_phase, options.run.phase) if count else ():
        try:
            dataset = open_held_out(as_tested(options), options.model, phase, options.run.seed)
            # Not the first ones, which are often alike.
            numbers = dict.fromkeys(len(dataset) * place // count for place in range(count))
            usable = [item for number in numbers if _is_usable(item := dataset[number])]
        except Exception:  # whatever a data set says of a split that it does not have
            continue
        if usable:
            names = [_name(item["A_paths"], options.data.dataroot) for item in usable]
            return FixedItems(phase, names, partial(_on, device, collate([*usable])))
    return None


def _on(device: torch.device, parts: list[SubBatch]) -> Iterator[dict[str, Any]]:
    return (part.on(device) for part in parts)


def _is_usable(item: dict[str, Any] | BadImage) -> TypeGuard[dict[str, Any]]:
    """Tells whether an item could be read, and is small enough to be translated during a training."""
    return isinstance(item, dict) and all(
        v[0].numel() <= MOST_PIXELS for v in item.values() if torch.is_tensor(v)
    )


def _name(path: str, root: str) -> str:
    """Returns where an image lies below its phase folder, without extension."""
    parts = without_suffix(PurePath(os.path.relpath(path, root))).parts
    return "/".join(parts[1:] if len(parts) > 1 and parts[0] != ".." else parts[-1:])


def held_out_loader(
    dataset: BaseDataset, most: float, batch_size: int, device: torch.device
) -> Loader:
    """Makes a loader of the first `most` items."""
    return Loader(
        dataset,
        most=most,
        batch_size=batch_size,
        num_threads=dataset.options.num_threads,
        bad_images=dataset.options.bad_images,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        uneven=True,
        device=device,
    )


def readable(loader: Loader) -> Iterator[dict[str, Any]]:
    """Yields the batches; ends the loader's processes after them.

    Raises: InputError for an image that cannot be read.
    """
    try:
        yield from loader.epoch(1)
    except BadImage as bad:
        raise InputError(f"{bad}\nmend or remove it, or use --bad_images skip") from None
    finally:
        loader.close()
