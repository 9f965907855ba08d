"""Data sets by name. `create_dataset` finds the images, `Loader` makes batches of them."""

from __future__ import annotations

import os

import torch

from data.base_dataset import BaseDataset, Source
from data.loading.loader import Loader
from options.base_options import DataOptions
from options.dataset_options import DATASETS, dataset_options
from options.registry import find_class
from util import distributed
from util.errors import InputError, SharedError

# Flags about the values of files, as they are where nobody sets them.
VALUE_FLAGS = {
    "range_A": "auto",
    "range_B": "auto",
    "bands_A": "",
    "bands_B": "",
    "nodata": "",
    "page": "",
    "alpha": "drop",
}


def find_dataset(name: str) -> type[BaseDataset]:
    """The data set class of data/<name>_dataset.py. Raises: ValueError for an unknown name."""
    return find_class("data", "dataset", name, DATASETS)


def create_dataset(options: DataOptions, source: Source) -> BaseDataset:
    """The data set that --dataset_mode names.

    Raises: InputError when folders or images are missing, or options do not fit each other.
    """
    if not options.dataroot:
        raise InputError("--dataroot is empty: give the folder of the images")
    if os.path.isfile(options.dataroot):  # False also for names that are too long
        raise InputError(f"--dataroot {options.dataroot} is a file; give the folder of the images")
    try:
        dataset = find_dataset(options.dataset_mode)(options, source)
    except ValueError as error:
        raise InputError(str(error)) from None
    asked = [f"--{name}" for name in VALUE_FLAGS if getattr(options, name) != VALUE_FLAGS[name]]
    if not dataset.values and asked:
        raise InputError(
            f"--dataset_mode {options.dataset_mode} reads its files in its own way: leave out {' and '.join(asked)}"
        )
    if not len(dataset):
        raise InputError(f"--dataroot {options.dataroot}: no images for {options.dataset_mode}")
    return dataset


def create_loader(dataset: BaseDataset, *, seed: int, device: torch.device) -> Loader:
    """Makes the loader that training reads batches from, as the data set's options say.

    Raises: SharedError where one process would take more steps than another, or other images.
    """
    options = dataset.options
    if distributed.world_size() > 1:
        _check_processes_keep_step(options)
        _check_same_images(dataset)
    return Loader(
        dataset,
        batch_size=options.batch_size,
        num_threads=options.num_threads,
        shuffle=not options.serial_batches,
        seed=seed,
        bad_images=options.bad_images,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        device=device,
    )


def _check_same_images(dataset: BaseDataset) -> None:
    names = [
        os.path.relpath(path, dataset.root) for found in dataset.listed.values() for path in found
    ]
    distributed.check_alike("images", count=len(dataset), content="\n".join(names))


def _check_processes_keep_step(options: DataOptions) -> None:
    if options.batch_size > 1 and "crop" not in options.preprocess:
        raise SharedError(
            f"--preprocess {options.preprocess} gives images of several sizes, which batches of several "
            "processes cannot share out: use --batch_size 1, or a --preprocess that crops"
        )


__all__ = [
    "DATASETS",
    "BaseDataset",
    "Loader",
    "Source",
    "create_dataset",
    "create_loader",
    "dataset_options",
    "find_dataset",
]
