"""Image files -> preprocessed images, through the cache if there is one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torchvision.transforms.v2.functional import rgb_to_grayscale

from data.files.cache import ImageCache
from data.transforms import Preprocess, Resize, Sampled, Size, resize, resize_present
from util.files import make_folder
from util.images.read import BadImage, read_image, read_values
from util.images.values import Values, one_hot


class Resized(NamedTuple):
    """The content of a file, ready to be cropped.

    Attributes:
        size: of the file's image, or of each half of a pair, before resizing.
        parts: (C, H, W), uint8 or float32: the image, or both halves.
    """

    size: Size
    parts: Sequence[torch.Tensor]


class ImageReader:
    """Reads images in their side's values, resizes them, and crops and flips them with one draw.

    cache: a folder for images that are resized; none if empty.
    """

    def __init__(self, preprocess: Preprocess, cache: str = "") -> None:
        self.preprocess, self.cache = preprocess, cache
        if cache:
            make_folder(Path(cache))
        self._caches: dict[str, ImageCache] = {}

    def read(self, path: str, values: int | Values, rng: random.Random) -> torch.Tensor:
        """Reads one image (channels, H, W), preprocessed by a draw of its own."""
        return self.read_parts(path, (values,), rng)[0]

    def read_parts(
        self, path: str, sides: Sequence[int | Values], rng: random.Random
    ) -> list[torch.Tensor]:
        """Reads the equally wide parts of an image, left to right, each as its values say, by the same draw.

        sides: a number of channels stands for 8-bit images.
        Returns: uint8, or floats in [-1, 1] where values are deep, NaN where pixels hold no data.
        Raises: BadImage.
        """
        parts = [as_values(one) for one in sides]
        return self._drawn(path, parts, self._resized(path, parts), rng)

    def read_pair(
        self, paths: Sequence[str], sides: Sequence[int | Values], rng: random.Random
    ) -> list[torch.Tensor]:
        """Reads two images, each as its values say, by the same draw.

        Raises: BadImage, also when preprocessing brings them to different sizes.
        """
        values = [as_values(one) for one in sides]
        A, B = (self._resized(path, [one]) for path, one in zip(paths, values, strict=True))
        (height, width), (other_height, other_width) = A.parts[0].shape[-2:], B.parts[0].shape[-2:]
        if (height, width) != (other_height, other_width):
            raise BadImage(
                paths[0],
                f"is {width}x{height} pixels after --preprocess {self.preprocess.mode}, its partner {paths[1]} "
                f"{other_width}x{other_height}: make them alike, or use resize_and_crop",
            )
        return self._drawn(paths[0], values, Resized(A.size, [*A.parts, *B.parts]), rng)

    def sample(self, path: str, image: torch.Tensor, rng: random.Random) -> Sampled:
        """Draws crop and flip for an image. Raises: BadImage when it is too small to be cropped."""
        try:
            return self.preprocess.sample(image, rng)
        except ValueError as error:
            raise BadImage(path, str(error)) from None

    def _drawn(
        self, path: str, sides: list[Values], image: Resized, rng: random.Random
    ) -> list[torch.Tensor]:
        try:
            draw = self.preprocess.sample_for(image.size, rng)
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        parts = [
            draw.cropped(part, resizer(values))
            for part, values in zip(image.parts, sides, strict=True)
        ]
        return [
            one_hot(part, values.labels) if values.labels else part
            for part, values in zip(parts, sides, strict=True)
        ]

    def _resized(self, path: str, sides: list[Values]) -> Resized:
        """The image as it is before chance comes in, from the cache if there is one."""
        if not self.cache:
            return self._resize(path, sides)
        recipe = f"{self.preprocess.recipe()} {tuple(values.recipe for values in sides)}"
        if recipe not in self._caches:
            self._caches[recipe] = ImageCache(self.cache, recipe)
        size, parts = self._caches[recipe].get(path, lambda: self._resize(path, sides))
        return Resized(size, parts)

    def _resize(self, path: str, sides: list[Values]) -> Resized:
        images = read_sides(path, sides)
        height, whole = images[0].shape[-2:]
        width, left = divmod(whole, len(sides))
        if left:
            raise BadImage(
                path,
                f"{whole} pixels wide, which is not a multiple of {len(sides)}: it must hold {len(sides)} equally wide "
                "images side by side. For pix2pix, A and B may also lie in folders <phase>A and <phase>B",
            )
        try:
            size = self.preprocess.resized((height, width))
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        parts = [image[..., i * width : (i + 1) * width] for i, image in enumerate(images)]
        parts = [
            rgb_to_grayscale(part) if values.plain and values.channels < len(part) else part
            for part, values in zip(parts, sides, strict=True)
        ]
        resized = [resizer(values)(part, size) for part, values in zip(parts, sides, strict=True)]
        return Resized((height, width), resized)


def resizer(values: Values) -> Resize:
    """Chooses how images of these values are resized: neither classes nor pixels without data are mixed with others."""
    if values.labels:
        return partial(resize, labels=True)
    return resize if values.nodata is None else resize_present


def as_values(side: int | Values) -> Values:
    """The values of 8-bit images, where only their channels are given."""
    return Values("", side) if isinstance(side, int) else side


def read_sides(path: str, sides: Sequence[Values]) -> list[torch.Tensor]:
    """Reads the whole file once for each part that it holds, as that part's values say; pictures of 8 bits only once.

    Of grey and colour pictures side by side, both are read as colour.
    Raises: BadImage.
    """
    if all(values.plain and not values.page for values in sides):
        most = max(values.channels for values in sides)
        return [read_image(path, most, sides[0].alpha)] * len(sides)
    return [read_values(path, values) for values in sides]
