"""Real images for an export: to compare on, to measure statistics and ranges on, and to show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from data import create_dataset, dataset_options
from data.base_dataset import BaseDataset, Source
from data.held_out import held_out_loader, readable
from models.inference.find_generator import SavedGenerator, values_of
from options.base_options import DataOptions
from options.flags import build
from util.errors import InputError
from util.images.values import INPUTS, Values


@dataclass(frozen=True)
class Picture:
    """Input (1, C, H, W) of a generator in [-1, 1], and what should come out, where that is known."""

    name: str
    image: torch.Tensor
    truth: torch.Tensor | None = None


def find_pictures(
    saved: SavedGenerator,
    flag: str,
    folder: Path | None,
    phase: str,
    channels: int,
    size: int,
    most: int,
) -> list[Picture]:
    """Returns those of the folder or, without one, of the run's own data set; flag: that gives the folder."""
    if folder is None:
        remedy = f"give a folder of input images by {flag}"
        return pictures_of_run(saved, phase, size, most, remedy)
    return pictures_in(folder, channels, size, most, values_of(saved)[0])


def pictures_of_run(
    saved: SavedGenerator, phase: str, size: int, most: int, remedy: str
) -> list[Picture]:
    """The first images of a split of the run's own data set, resized to size x size.

    Args:
        remedy: what to do where that is not possible.

    Raises: InputError when the run does not say where its data set lies, or it is not there.
    """
    try:
        mode = str(saved.flags["dataset_mode"])
        options = _resized(build(dataset_options(mode), dict(saved.flags)), size)
        channels = {name: int(saved.flags[name]) for name in ("input_nc", "output_nc")}
        labels = int(saved.flags.get("label_A", 0))
        dataset = create_dataset(
            options, Source(phase=phase, augment=False, labels=labels, **channels)
        )
    except KeyError:
        raise InputError(
            f"{saved.path.parent} has no options.json that tells the data set: {remedy}"
        ) from None
    except ValueError as error:
        raise InputError(
            f"the {phase} images of the run are not to be had ({error}): {remedy}"
        ) from None
    own, other = ("B", "A") if saved.name == "G_B" else ("A", "B")
    found = _items(dataset, most)
    paired = mode in ("aligned", "colorization")
    return [
        Picture(item[f"{own}_path"], item[own], item[other] if paired else None) for item in found
    ]


def pictures_in(
    folder: Path, channels: int, size: int, most: int, values: Values = INPUTS
) -> list[Picture]:
    """The first images of a folder, and below, resized to size x size; values: of their numbers."""
    given = DataOptions(
        dataroot=str(folder),
        dataset_mode="single",
        range_A=values.flag,
        alpha=values.alpha,
    )
    source = Source(phase="", input_nc=channels, labels=values.labels, augment=False)
    dataset = create_dataset(_resized(given, size), source)
    return [Picture(item["A_path"], item["A"]) for item in _items(dataset, most)]


def _resized(options: DataOptions, size: int) -> DataOptions:
    return replace(
        options,
        preprocess="resize_and_crop",
        load_size=size,
        crop_size=size,
        max_dataset_size=math.inf,
        serial_batches=True,
        num_threads=0,
        cache="",
    )


def _items(dataset: BaseDataset, most: int) -> Iterator[dict[str, Any]]:
    for batch in readable(held_out_loader(dataset, most, 1, torch.device("cpu"))):
        paths = {
            f"{side}_path": Path(batch[f"{side}_paths"][0]).name for side in "AB" if side in batch
        }
        yield {**batch, **paths}
