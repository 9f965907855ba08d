"""Images that are not learnt from: a whole split in a fixed order, without chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from data import create_dataset
from data.base_dataset import Source
from data.image_reader import BadImage
from data.loader import Loader
from options.test_options import inherited
from options.train_options import TrainOptions
from util import distributed
from util.errors import InputError


class HeldOut:
    """The split of --val_phase, taken in as test.py takes in a data set; each process has its share.

    Raises: InputError when folders or images are missing.
    """

    def __init__(self, options: TrainOptions, batch_size: int, device: torch.device) -> None:
        self.options, self.batch_size, self.device = options, batch_size, device
        taken = inherited(options.values(), options.model.model)
        sizes = ("preprocess", "load_size", "crop_size")
        sizes_taken = {name: taken[name] for name in sizes if name in taken}
        source = Source(
            phase=options.val.val_phase,
            input_nc=options.model.input_nc,
            output_nc=options.model.output_nc,
            augment=False,
            seed=options.run.seed,
        )
        data = replace(options.data, serial_batches=True, max_dataset_size=math.inf, **sizes_taken)
        self.dataset = create_dataset(data, source)

    def batches(self) -> Iterator[dict[str, Any]]:
        """From the beginning. Raises: InputError for an image that cannot be read."""
        loader = Loader(
            self.dataset,
            most=self.options.val.val_images,
            batch_size=self.batch_size,
            num_threads=self.options.data.num_threads,
            bad_images=self.options.data.bad_images,
            rank=distributed.rank(),
            world_size=distributed.world_size(),
            uneven=True,
            device=self.device,
        )
        try:
            yield from readable(loader)
        finally:
            loader.close()


def readable(loader: Loader) -> Iterator[dict[str, Any]]:
    """The batches. Raises: InputError for an image that cannot be read."""
    try:
        yield from loader.epoch(1)
    except BadImage as bad:
        raise InputError(f"{bad}\nmend or remove it, or use --bad_images skip") from None
