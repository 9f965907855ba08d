"""The base of every data set: a list of positions, each giving the same item every time."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch.utils import data

from data.files.image_folder import list_images
from data.files.reading import ImageReader
from data.transforms import Preprocess, Size
from options.base_options import AUGMENTATIONS, DataOptions, ModelOptions
from options.types import (
    MEASURE,
    pages_of,
    parse_bands,
    parse_names,
    parse_nodata,
    parse_range,
    sides,
)
from util.errors import InputError
from util.images.contents import measure_contents
from util.images.detect_values import detect_values
from util.images.metadata import Placement
from util.images.nodata import fill_missing
from util.images.read import BadImage
from util.images.tars import repeat_shards, shard_lengths
from util.images.values import Values
from util.position_seed import position_seed


class Position(NamedTuple):
    """A crop of an item in an epoch: all that randomness may depend on, besides the seed.

    item: its number, counted by crops: those of a data set's item i are i * crops to i * crops + crops - 1.
    """

    epoch: int
    item: int


class PairPosition(NamedTuple):
    """A position together with the image, of those in `partner_shards`, that goes with the item."""

    epoch: int
    item: int
    partner: int


@dataclass(frozen=True)
class Source:
    """All that a data set needs to know besides its own options.

    Attributes:
        phase: train, val, test ...: which folders.
        input_nc, output_nc: channels of A and B.
        labels, labels_B: number of classes where A, or B, are label maps; 0 where they are images.
        multiple, smallest: what the networks need image sides to be divisible by, and at least.
        augment: random order, crops and flips.
    """

    phase: str = "train"
    input_nc: int = 3
    output_nc: int = 3
    labels: int = 0
    labels_B: int = 0
    multiple: int = 4
    smallest: int = 1
    augment: bool = True
    seed: int = 0

    @classmethod
    def of(cls, model: ModelOptions, **more: Any) -> Source:
        """The source for a model of these options; more: the other attributes."""
        return cls(
            input_nc=model.input_nc,
            output_nc=model.output_nc,
            labels=model.label_A,
            labels_B=model.label_B,
            **more,
        )


def image_channels(source: Source) -> tuple[int, int]:
    """Channels of A and B, for data sets that use `read_image`. Raises: InputError unless they are 1 or 3."""
    for name, channels in (("input_nc", source.input_nc), ("output_nc", source.output_nc)):
        if channels not in (1, 3):
            raise InputError(
                f"--{name} {channels}: this --dataset_mode reads images with 1 (grey) or 3 (colour) channels; aligned, "
                "unaligned and single read any number"
            )
    return source.input_nc, source.output_nc


class BaseDataset(ImageReader, data.Dataset[Any], ABC):
    """Subclass it: set up in `__init__`, write `__len__` and `item`.

    Attributes:
        Options: the group of command-line flags the data set understands.
        listed: folder -> the images that `list_images` found there, for checks of the files.
        values: side -> meaning of the numbers in its files, of data sets that `settle` it.
        sides_in_a_file: how many equally wide images a file holds: 2 where A and B are its halves.
        unpaired_files: files without a partner.
    """

    Options: ClassVar[type[DataOptions]] = DataOptions
    sides_in_a_file: int = 1

    def __init__(self, options: DataOptions, source: Source) -> None:
        self.options, self.source = options, source
        self.root = Path(options.dataroot)
        self.listed: dict[Path, list[str]] = {}
        self.values: dict[str, Values] = {}
        self.unpaired_files: list[str] = []
        preprocess = Preprocess(
            options.preprocess,
            sides(options.load_size),
            sides(options.crop_size),
            multiple=source.multiple,
            smallest=source.smallest,
            augment=source.augment,
            flip=not options.no_flip,
            augmentations=parse_names("augment", options.augment, AUGMENTATIONS),
        )
        super().__init__(preprocess, options.cache)

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    def crops(self) -> int:
        """How often an epoch takes each item: --crops_per_image in training."""
        return self.options.crops_per_image if self.source.augment else 1

    @abstractmethod
    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        """{"A": (C, H, W), "A_paths": str} and the same for B; all chance comes from rng.

        Images are uint8, which the loader brings into [-1, 1] on the device, or floats in that range, NaN where --nodata
        says that there is none.
        """

    def item_with(self, index: int, partner: int, rng: random.Random) -> dict[str, Any]:
        """`item` with the image of that number, for data sets that have `partner_shards`."""
        raise NotImplementedError

    def __getitem__(self, position: int | Position | PairPosition) -> dict[str, Any] | BadImage:
        """The item, or what is wrong with its image: the loader decides what follows from that."""
        if isinstance(position, tuple):
            epoch, number = position[:2]
        else:
            epoch, number = 1, position * self.crops
        rng = random.Random(position_seed(self.source.seed, epoch, number))
        index = number // self.crops
        try:
            if isinstance(position, PairPosition):
                item = self.item_with(index, position.partner, rng)
            else:
                item = self.item(index, rng)
            return {**item, **self._without_missing(item), "number": number}
        except BadImage as bad:
            return bad

    def _without_missing(self, item: dict[str, Any]) -> dict[str, torch.Tensor]:
        """With --nodata, A and B without NaN, and which of their pixels hold data: A_valid, B_valid, (1, H, W)."""
        found = {}
        for side, values in self.values.items():
            if values.nodata is not None and not values.labels and side in item:
                found[side], found[f"{side}_valid"] = fill_missing(item[side])
        return found

    def list_images(self, folder: Path) -> list[str]:
        """Lists the images below a folder, as many as --max_dataset_size allows. Raises: NoImages."""
        self.listed[folder] = list_images(folder, self.options.max_dataset_size)
        return self.listed[folder]

    def item_shards(self) -> list[int] | None:
        """Counts the items that lie, one after the other, in each tar, for an order that reads tar by tar; None: no tars.

        Item i is taken to need image i of the folder that was listed first, which starts over at its end.
        """
        lengths = shard_lengths(next(iter(self.listed.values()), []))
        return repeat_shards(lengths, len(self)) if lengths else None

    def partner_shards(self) -> list[int] | None:
        """Counts the images that go with the items at random in each tar; None: `item` draws them."""
        return None

    def settle(self, A: Sequence[str], B: Sequence[str] | None = None) -> tuple[Values, Values]:
        """Finds out how files of A, the input, and of B are read; `values` remembers it.

        B: None where the network alone makes B; unless declared, its values are then those of A.
        Raises: InputError when a range has to be declared.
        """
        o, source = self.options, self.source
        self._check_labels()
        A_page, B_page = pages_of(o.page)
        known: dict[str, Any] = {"alpha": o.alpha, "nodata": parse_nodata(o.nodata)}
        of_A = detect_values(
            "A",
            A,
            source.input_nc,
            self._range("A", A),
            labels=source.labels,
            bands=parse_bands("bands_A", o.bands_A),
            page=A_page,
            **known,
        )
        if B is not None:
            known |= {"labels": source.labels_B}
            known |= {"bands": parse_bands("bands_B", o.bands_B), "page": B_page}
            of_B = detect_values("B", B, source.output_nc, self._range("B", B), **known)
        else:
            declared = parse_range("range_B", o.range_B)
            of_B = of_A.output(source.output_nc, declared, source.labels_B)
        self.values = {"A": of_A, "B": of_B}
        return of_A, of_B

    def _check_labels(self) -> None:
        """Raises: InputError where flags about the values of images are given for label maps."""
        for side, labels in (("A", self.source.labels), ("B", self.source.labels_B)):
            measured = getattr(self.options, f"range_{side}") == MEASURE
            if labels and (measured or getattr(self.options, f"bands_{side}")):
                name = f"--range_{side} measure" if measured else f"--bands_{side}"
                raise InputError(
                    f"{name} is for images, and --label_{side} makes label maps of them: leave one out"
                )

    def _range(self, side: str, paths: Sequence[str]) -> str:
        """--range_A or --range_B; measure becomes the range that fits the files. Raises: InputError where none is found."""
        o = self.options
        text = str(getattr(o, f"range_{side}"))
        if text != MEASURE:
            return text
        halves = self.sides_in_a_file
        # The input is on the left, unless it is read backwards.
        place = 0 if halves == 1 else int((side == "B") != (o.direction == "BtoA"))
        bands = parse_bands(f"bands_{side}", getattr(o, f"bands_{side}"))
        page = dict(zip("AB", pages_of(o.page), strict=True))[side]
        values = Values(side, 0, bands=bands, nodata=parse_nodata(o.nodata), page=page)
        contents = measure_contents(paths, halves, [values] * halves)
        if not contents:
            raise InputError(f"--range_{side} measure: none of the {len(paths)} images can be read")
        return str(contents[place].fitting_range())

    def folder_values(self) -> dict[Path, tuple[Values, ...]]:
        """Folders of `listed` -> how their files are read: a side, or the sides that are parts of a file, left to right.

        {} of a data set that reads its files in a way of its own, which is then checked by taking every item.
        """
        return {}

    def file_pairs(self) -> list[tuple[str, str]] | None:
        """The files of A and of B that belong together, the same ones where they are halves of a file.

        [] where no files do; None where that is not known, and only names can tell.
        """
        return None

    @property
    def placement(self) -> Callable[[Size], Placement] | None:
        """How images of files are resized and cut out without augmentation; None where a file holds several."""
        if self.sides_in_a_file > 1:
            return None

        def place(size: Size) -> Placement:
            draw = self.preprocess.sample_for(size, random.Random(0))
            return Placement(draw.resized, draw.top, draw.left)

        return place

    def ranges(self) -> dict[str, Any]:
        """Values of --range_A and --range_B, as far as they are settled."""
        return {f"range_{side}": str(values.bounds) for side, values in self.values.items()}
