"""Splits for validation and testing: in a fixed order, without augmentation, each process its share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from data import create_dataset
from data.base_dataset import BaseDataset, Source
from data.loading.loader import Loader
from options.base_options import DataOptions, ModelOptions
from options.test_options import inherited
from options.train_options import TrainOptions
from util import distributed
from util.errors import InputError
from util.images.read import BadImage


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
