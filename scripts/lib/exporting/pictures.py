"""Real images for an export: to compare on, to measure statistics and ranges on, and to show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from data import create_dataset, dataset_options
from data.base_dataset import BaseDataset, Source
from data.held_out import held_out_loader
from models.inference.find_generator import SavedGenerator, values_of
from options.base_options import DataOptions
from options.flags import build
from options.types import sides
from util.errors import InputError
from util.images.read import BadImage
from util.images.values import INPUTS, Values

PREPARED = ("preprocess", "load_size", "crop_size")


@dataclass(frozen=True)
class TestPicture:
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
) -> list[TestPicture]:
    """Returns those of the folder or, without one, of the run's own data set; flag: that gives the folder."""
    if folder is None:
        remedy = f"give a folder of input images by {flag}"
        return pictures_of_run(saved, phase, size, most, remedy)
    return pictures_in(folder, channels, size, most, values_of(saved)[0], saved.flags)


def trained_size(flags: Mapping[str, Any]) -> int:
    """Returns the side of the images that a run learnt from, the smaller one where they were not square."""
    return min(sides(flags.get("crop_size", 256)))


def pictures_of_run(
    saved: SavedGenerator, phase: str, size: int, most: int, remedy: str
) -> list[TestPicture]:
    """Reads the first images of a split of the run's own data set, size x size, prepared as test.py prepares them.

    Args:
        remedy: what to do where that is not possible.

    Raises: InputError when the run does not say where its data set lies, or it is not there.
    """
    try:
        mode = str(saved.flags["dataset_mode"])
        options = _at_size(build(dataset_options(mode), dict(saved.flags)), size)
        channels = {name: int(saved.flags[name]) for name in ("input_nc", "output_nc")}
        classes = {
            "labels": int(saved.flags.get("label_A", 0)),
            "labels_B": int(saved.flags.get("label_B", 0)),
        }
        dataset = create_dataset(options, Source(phase=phase, augment=False, **classes, **channels))
    except KeyError:
        raise InputError(
            f"{saved.path.parent} has no options.json that names the data set: {remedy}"
        ) from None
    except ValueError as error:
        raise InputError(
            f"the {phase} images of the run cannot be read ({error}): {remedy}"
        ) from None
    own, other = ("B", "A") if saved.name == "G_B" else ("A", "B")

    def truth(item: dict[str, Any]) -> torch.Tensor | None:
        paired = mode in ("aligned", "colorization") or item["A_paths"] == item.get("B_paths")
        return item.get(other) if paired else None

    found = _items(dataset, most)
    return [TestPicture(item[f"{own}_path"], item[own], truth(item)) for item in found]


def pictures_in(
    folder: Path,
    channels: int,
    size: int,
    most: int,
    values: Values = INPUTS,
    training: Mapping[str, Any] | None = None,
) -> list[TestPicture]:
    """Reads the first images of a folder, and below, size x size.

    Args:
        values: meaning of their numbers.
        training: flags of the run, which say how images are prepared; without them they are resized.
    """
    given = DataOptions(
        **{name: value for name, value in (training or {}).items() if name in PREPARED},
        dataroot=str(folder),
        dataset_mode="single",
        range_A=values.flag,
        alpha=values.alpha,
        bands_A=",".join(map(str, values.bands)),
        nodata="" if values.nodata is None else str(values.nodata),
        page=values.page,
    )
    source = Source(phase="", input_nc=channels, labels=values.labels, augment=False)
    dataset = create_dataset(_at_size(given, size), source)
    return [TestPicture(item["A_path"], item["A"]) for item in _items(dataset, most)]


def _at_size(options: DataOptions, size: int) -> DataOptions:
    """Prepares images as test.py does, but takes their central size x size: only what training resized is resized.

    options: of training.
    """
    mode, load, crop = options.preprocess, options.load_size, sides(options.crop_size)
    if mode == "resize_and_crop":  # which tests resize to the crop of training
        load = "x".join(str(round(side * size / min(crop))) for side in crop)
    elif mode.startswith("scale_width"):
        mode, load = "scale_width_and_crop", max(size, sides(load)[1])
    else:
        mode = "crop"
    return replace(
        options,
        preprocess=mode,
        load_size=load,
        crop_size=size,
        max_dataset_size=math.inf,
        serial_batches=True,
        num_threads=0,
        cache="",
    )


def _items(dataset: BaseDataset, most: int) -> Iterator[dict[str, Any]]:
    loader = held_out_loader(dataset, most, 1, torch.device("cpu"))
    try:
        for batch in loader.epoch(1):
            sides = [side for side in "AB" if side in batch]
            names = {f"{side}_path": Path(batch[f"{side}_paths"][0]).name for side in sides}
            yield {**batch, **names}
    except BadImage as bad:
        raise InputError(
            f"{bad}\n--size says how large images are, --images which are taken"
        ) from None
    finally:
        loader.close()
