"""Translates whole data sets: image by image in effect, several small ones at once in fact."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from models.base_model import BaseModel
from models.networks.norms import separate_images
from util import distributed
from util.errors import InputError, SharedError
from util.images import to_uint8
from util.images.nodata import mark_missing
from util.images.values import Values
from util.metrics.pictures import PictureMeasures, measure_pictures
from util.position_seed import position_seed

AT_ONCE = 8  # small images
HELD = 64e6  # bytes of pictures that a process keeps before it tells the others


class Translation(NamedTuple):
    """Translation of one item of a data set.

    Attributes:
        number: of the item.
        paths: label -> the input that the picture belongs to.
        pictures: label -> uint8 (H, W, 3) or (H, W).
        values: label -> float32 (C, H, W) in [-1, 1], as the network made it, of those that were asked for.
    """

    number: int
    paths: dict[str, str]
    pictures: dict[str, np.ndarray]
    values: dict[str, np.ndarray]


def translations(
    model: BaseModel,
    batches: Iterator[dict[str, Any]],
    seed: int,
    device: torch.device,
    *,
    whole: bool,
    kept: Container[str] = (),
) -> Iterator[Translation]:
    """Translates every image; dropout is a function of the seed and the item's number alone.

    Args:
        whole: whether batches are translated as they come, however large their images.
        kept: labels of which `values` are wanted.
    """
    generators = separate_images(model) if model.training else []
    for batch in batches:
        for part in [batch] if whole else parts(batch):
            A_paths, B_paths = part["A_paths"], part.get("B_paths", part["A_paths"])
            numbers = part["number"].tolist()
            seeds = [position_seed(seed, number) for number in numbers]
            torch.manual_seed(seeds[0])
            generators[:] = [torch.Generator(device).manual_seed(one) for one in seeds]
            made = marked(model, part, model.translate(part))
            values = {name: made[name].float().cpu().numpy() for name in made if name in kept}
            images = model.displayable({name: shown(part, image) for name, image in made.items()})
            pictures = {name: to_uint8(image) for name, image in images.items()}
            for i, (number, A_path, B_path) in enumerate(
                zip(numbers, A_paths, B_paths, strict=True)
            ):
                paths = {
                    name: B_path if model.sources.get(name) == "B" else A_path for name in images
                }
                yield Translation(
                    number,
                    paths,
                    {name: p[i] for name, p in pictures.items()},
                    {name: v[i] for name, v in values.items()},
                )


def marked(
    model: BaseModel, batch: Mapping[str, Any], made: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """With --nodata, images that are NaN where the file that they belong to, or were made of, holds no data."""
    found = {}
    for name, image in made.items():
        side = name[-1] if name in ("real_A", "real_B") else model.sources.get(name, "A")
        valid = batch.get(f"{side}_valid")
        if valid is not None and valid.shape[-2:] == image.shape[-2:]:
            image = mark_missing(image, valid.to(image.device))
        found[name] = image
    return found


def shown(batch: Mapping[str, Any], images: torch.Tensor) -> torch.Tensor:
    """The images with black in place of NaN, which a picture cannot hold."""
    return images.nan_to_num(nan=-1) if {"A_valid", "B_valid"} & batch.keys() else images


def read_ahead(batches: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Reads the next batch in a thread while the network runs; for loaders without processes, whose deaths only the main thread notices."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def parts(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cuts the batch into parts that need no more memory than AT_ONCE images of 256 x 256."""
    images = [value for value in batch.values() if torch.is_tensor(value) and value.dim() == 4]
    pixels = max((image[0, 0].numel() for image in images), default=1)
    size = max(1, AT_ONCE * 256 * 256 // pixels)
    for start in range(0, len(batch["A_paths"]), size):
        yield {key: value[start : start + size] for key, value in batch.items()}


def share_translations(
    own: Iterator[Translation], sides: Mapping[str, Values] = MappingProxyType({})
) -> Iterator[tuple[Translation, PictureMeasures]]:
    """Yields the translations of all processes by their numbers; pictures and values only of this process.

    Every process has to know of all, so that no two of them give the same name to different results; the page needs to
    know how large and how good all pictures are.
    Raises: SharedError with what any process raised as InputError, after what came before that.
    """
    alone = distributed.world_size() == 1
    while True:
        mine, failure = [], ""
        try:
            for one in own:
                mine.append(one)
                held = sum(
                    array.nbytes for each in mine for kind in each[2:] for array in kind.values()
                )
                if alone or len(mine) == AT_ONCE or held > HELD:
                    break
        except InputError as error:
            failure = str(error)
        known = [
            (one.number, one.paths, measure_pictures(one.paths, one.pictures, one.values, sides))
            for one in mine
        ]
        rounds = distributed.gather((known, failure))
        here = {one.number: one for one in mine}
        for number, paths, facts in sorted(
            (one for part, _ in rounds for one in part), key=itemgetter(0)
        ):
            yield here.get(number) or Translation(number, paths, {}, {}), facts
        failures = [failure for _, failure in rounds if failure]
        if failures:
            raise SharedError("\n".join(failures))
        if not any(part for part, _ in rounds):
            return
