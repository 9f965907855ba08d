"""What every data set is: a list of positions, each giving the same item every time."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch.utils import data
from torchvision.transforms.v2.functional import rgb_to_grayscale

from data.cache import ImageCache, Resized
from data.image_folder import list_images
from data.image_reader import BadImage, read_image
from data.shard_order import repeated
from data.tar_files import shard_lengths
from data.transforms import Preprocess, Sampled, resize
from options.base_options import DataOptions
from util.errors import InputError
from util.files import make_folder
from util.position_seed import position_seed


class Position(NamedTuple):
    """Which item of which epoch: all that randomness may depend on, beside the seed."""

    epoch: int
    item: int


class PairPosition(NamedTuple):
    """A position together with the image, of those in `partner_shards`, that goes with the item."""

    epoch: int
    item: int
    partner: int


@dataclass(frozen=True)
class Source:
    """What a data set needs to know beside its own options.

    Attributes:
        phase: train, val, test ...: which folders.
        input_nc, output_nc: channels of A and B.
        multiple, smallest: what the networks need image sides to be divisible by, and at least.
        augment: random order, crops and flips.
    """

    phase: str = "train"
    input_nc: int = 3
    output_nc: int = 3
    multiple: int = 4
    smallest: int = 1
    augment: bool = True
    seed: int = 0


def image_channels(source: Source) -> tuple[int, int]:
    """Channels of A and B, for data sets of image files. Raises: InputError unless they are 1 or 3."""
    for name, channels in (("input_nc", source.input_nc), ("output_nc", source.output_nc)):
        if channels not in (1, 3):
            raise InputError(
                f"--{name} {channels}: image files are read with 1 (grey) or 3 (colour) channels; "
                "for others write a data set (see data/template_dataset.py)"
            )
    return source.input_nc, source.output_nc


class BaseDataset(data.Dataset[Any], ABC):
    """Subclass it: set up in `__init__`, write `__len__` and `item`.

    Attributes:
        Options: the group of command-line flags the data set understands.
        listed: folder -> the images that `list_images` found there, for checks of the files.
    """

    Options: ClassVar[type[DataOptions]] = DataOptions

    def __init__(self, options: DataOptions, source: Source) -> None:
        self.options, self.source = options, source
        self.root = Path(options.dataroot)
        self.listed: dict[Path, list[str]] = {}
        self.preprocess = Preprocess(
            options.preprocess,
            options.load_size,
            options.crop_size,
            multiple=source.multiple,
            smallest=source.smallest,
            augment=source.augment,
            flip=not options.no_flip,
        )
        if options.cache:
            make_folder(Path(options.cache))
        self._caches: dict[tuple[int, ...], ImageCache] = {}

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        """{"A": (C, H, W), "A_paths": str} and the same for B; all chance comes from rng.

        Images are uint8, which the loader brings into [-1, 1] on the device, or floats in that range.
        """

    def item_with(self, index: int, partner: int, rng: random.Random) -> dict[str, Any]:
        """`item` with the image of that number, for data sets that have `partner_shards`."""
        raise NotImplementedError

    def __getitem__(self, position: int | Position | PairPosition) -> dict[str, Any] | BadImage:
        """The item, or what is wrong with its image: the loader decides what follows from that."""
        epoch, index = position[:2] if isinstance(position, tuple) else (1, position)
        rng = random.Random(position_seed(self.source.seed, epoch, index))
        try:
            if isinstance(position, PairPosition):
                item = self.item_with(index, position.partner, rng)
            else:
                item = self.item(index, rng)
            return {**item, "number": index}
        except BadImage as bad:
            return bad

    def list_images(self, folder: Path) -> list[str]:
        self.listed[folder] = list_images(folder, self.options.max_dataset_size)
        return self.listed[folder]

    def item_shards(self) -> list[int] | None:
        """How many items, one after the other, lie in each tar, for an order that reads tar by tar; None: no tars.

        Item i is taken to need image i of the folder that was listed first, which starts over at its end.
        """
        lengths = shard_lengths(next(iter(self.listed.values()), []))
        return repeated(lengths, len(self)) if lengths else None

    def partner_shards(self) -> list[int] | None:
        """How many of the images that go with the items at random lie in each tar; None: `item` draws them."""
        return None

    def read(self, path: str, channels: int, rng: random.Random) -> torch.Tensor:
        """One image, uint8 (channels, H, W), preprocessed by a draw of its own."""
        return self.read_parts(path, (channels,), rng)[0]

    def read_parts(
        self, path: str, channels: tuple[int, ...], rng: random.Random
    ) -> list[torch.Tensor]:
        """The equally wide parts of an image, left to right, with so many channels each, by the same draw.

        Raises: BadImage.
        """
        return self._drawn(path, self._prepared(path, channels), rng)

    def read_pair(
        self, paths: tuple[str, str], channels: tuple[int, int], rng: random.Random
    ) -> list[torch.Tensor]:
        """Two images, with so many channels each, by the same draw.

        Raises: BadImage, also when preprocessing brings them to different sizes.
        """
        A, B = (self._prepared(path, (c,)) for path, c in zip(paths, channels, strict=True))
        sizes = [(image.parts[0].shape[-2], image.parts[0].shape[-1]) for image in (A, B)]
        if sizes[0] != sizes[1]:
            (height, width), (other_height, other_width) = sizes
            raise BadImage(
                paths[0],
                f"is {width}x{height} pixels after --preprocess {self.preprocess.mode}, its partner {paths[1]} "
                f"{other_width}x{other_height}: make them alike, or use resize_and_crop",
            )
        return self._drawn(paths[0], Resized(A.size, [*A.parts, *B.parts]), rng)

    def _drawn(self, path: str, image: Resized, rng: random.Random) -> list[torch.Tensor]:
        try:
            draw = self.preprocess.sample_for(image.size, rng)
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        return [draw.cropped(part) for part in image.parts]

    def _prepared(self, path: str, channels: tuple[int, ...]) -> Resized:
        """The image as it is before chance comes in, from the cache if there is one."""
        if not self.options.cache:
            return self._resized_parts(path, channels)
        if channels not in self._caches:
            recipe = f"{self.preprocess.recipe()} {channels}"
            self._caches[channels] = ImageCache(self.options.cache, recipe)
        return self._caches[channels].get(path, lambda: self._resized_parts(path, channels))

    def _resized_parts(self, path: str, channels: tuple[int, ...]) -> Resized:
        """What preprocessing always does to the image, before chance comes in."""
        image = read_image(path, max(channels))
        if image.shape[-1] % len(channels):
            raise BadImage(
                path,
                f"{image.shape[-1]} pixels wide, which is odd: an aligned image holds A and B side by side, "
                "equally wide; pairs in two folders belong in <phase>A and <phase>B",
            )
        parts = image.chunk(len(channels), dim=-1)
        height, width = parts[0].shape[-2:]
        try:
            size = self.preprocess.resized((height, width))
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        grey = [
            rgb_to_grayscale(part) if wanted < part.shape[0] else part
            for part, wanted in zip(parts, channels, strict=True)
        ]
        return Resized((height, width), [resize(part, size) for part in grey])

    def sample(self, path: str, image: torch.Tensor, rng: random.Random) -> Sampled:
        """A draw of crop and flip for an image. Raises: BadImage when it is too small to be cropped."""
        try:
            return self.preprocess.sample(image, rng)
        except ValueError as error:
            raise BadImage(path, str(error)) from None
