"""Files -> preprocessed images, through the cache if there is one."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from torchvision.transforms.v2.functional import rgb_to_grayscale

from data.files.cache import ImageCache, Resized
from data.transforms import Preprocess, resize
from util.files import make_folder
from util.images.domain import Domain
from util.images.read import BadImage, read_image
from util.images.values import one_hot


class Reading:
    """Reads images by their domains, resizes them, and crops and flips them by one draw.

    cache: a folder for images that are resized; none if empty.
    """

    def __init__(self, preprocess: Preprocess, cache: str) -> None:
        self.preprocess, self.cache = preprocess, cache
        if cache:
            make_folder(Path(cache))
        self._caches: dict[str, ImageCache] = {}

    def parts(
        self, path: str, domains: tuple[Domain, ...], rng: random.Random
    ) -> list[torch.Tensor]:
        """The equally wide parts of an image, left to right. Raises: BadImage."""
        return self._drawn(path, domains, self._prepared(path, domains), rng)

    def pair(
        self, paths: tuple[str, str], domains: tuple[Domain, ...], rng: random.Random
    ) -> list[torch.Tensor]:
        """Two images. Raises: BadImage, also when preprocessing brings them to different sizes."""
        A, B = (self._prepared(path, (one,)) for path, one in zip(paths, domains, strict=True))
        sizes = [(image.parts[0].shape[-2], image.parts[0].shape[-1]) for image in (A, B)]
        if sizes[0] != sizes[1]:
            (height, width), (other_height, other_width) = sizes
            raise BadImage(
                paths[0],
                f"is {width}x{height} pixels after --preprocess {self.preprocess.mode}, its partner {paths[1]} "
                f"{other_width}x{other_height}: make them alike, or use resize_and_crop",
            )
        return self._drawn(paths[0], domains, Resized(A.size, [*A.parts, *B.parts]), rng)

    def _drawn(
        self, path: str, domains: tuple[Domain, ...], image: Resized, rng: random.Random
    ) -> list[torch.Tensor]:
        try:
            draw = self.preprocess.sample_for(image.size, rng)
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        parts = [draw.cropped(part) for part in image.parts]
        return [
            one_hot(part, domain.labels) if domain.labels else part
            for part, domain in zip(parts, domains, strict=True)
        ]

    def _prepared(self, path: str, domains: tuple[Domain, ...]) -> Resized:
        """The image as it is before chance comes in, from the cache if there is one."""
        if not self.cache:
            return self._resized(path, domains)
        recipe = f"{self.preprocess.recipe()} {tuple(domain.recipe for domain in domains)}"
        if recipe not in self._caches:
            self._caches[recipe] = ImageCache(self.cache, recipe)
        return self._caches[recipe].get(path, lambda: self._resized(path, domains))

    def _resized(self, path: str, domains: tuple[Domain, ...]) -> Resized:
        """What preprocessing always does to the image, before chance comes in."""
        parts = self._parts(path, domains)
        height, width = parts[0].shape[-2:]
        try:
            size = self.preprocess.resized((height, width))
        except ValueError as error:
            raise BadImage(path, str(error)) from None
        resized = [
            resize(part, size, labels=bool(domain.labels))
            for part, domain in zip(parts, domains, strict=True)
        ]
        return Resized((height, width), resized)

    def _parts(self, path: str, domains: tuple[Domain, ...]) -> list[torch.Tensor]:
        """The parts as the file has them."""
        if all(domain.plain for domain in domains):  # one reading will do
            most = max(domain.channels for domain in domains)
            images = [read_image(path, most, domains[0].alpha)] * len(domains)
        else:
            images = [domain.read(path) for domain in domains]
        if images[0].shape[-1] % len(domains):
            raise BadImage(
                path,
                f"{images[0].shape[-1]} pixels wide, which is odd: an aligned image holds A and B side by side, "
                "equally wide; pairs in two folders belong in <phase>A and <phase>B",
            )
        parts = [image.chunk(len(domains), dim=-1)[i] for i, image in enumerate(images)]
        return [
            rgb_to_grayscale(part) if domain.plain and domain.channels < part.shape[0] else part
            for part, domain in zip(parts, domains, strict=True)
        ]
