"""Data sets by name. `create_dataset` finds the images, `data.loader.Loader` makes batches of them."""

from __future__ import annotations

from pathlib import Path

from data.base_dataset import BaseDataset, Source
from options.base_options import DataOptions
from util.errors import InputError
from util.registry import find_class

DATASETS = ("aligned", "unaligned", "single", "colorization", "template")


def find_dataset(name: str) -> type[BaseDataset]:
    """The data set class of data/<name>_dataset.py. Raises: ValueError for an unknown name."""
    return find_class("data", "dataset", name, DATASETS)


def dataset_options(name: str) -> type[DataOptions]:
    """The options group of the data set of that name."""
    return find_dataset(name).Options


def create_dataset(options: DataOptions, source: Source) -> BaseDataset:
    """The data set that --dataset_mode names.

    Raises: InputError when folders or images are missing, or options do not fit each other.
    """
    if Path(options.dataroot).is_file():
        raise InputError(f"--dataroot {options.dataroot} is a file; give the folder of the images")
    try:
        dataset = find_dataset(options.dataset_mode)(options, source)
    except ValueError as error:
        raise InputError(str(error)) from None
    if not len(dataset):
        raise InputError(f"--dataroot {options.dataroot}: no images for {options.dataset_mode}")
    return dataset


__all__ = ["DATASETS", "BaseDataset", "Source", "create_dataset", "dataset_options", "find_dataset"]
