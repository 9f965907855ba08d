"""Resizing, cropping and flipping with sampled parameters: the same sample fits both images of a pair."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as TF

Size = tuple[int, int]  # height, width, in pixels
MOST_PIXELS = 178_956_970  # of an image, which Pillow does not exceed either


@dataclass(frozen=True)
class Preprocess:
    """How images become network inputs.

    Attributes:
        mode: a value of --preprocess.
        multiple, smallest: what both sides must be divisible by, and at least, where the mode leaves them
            free, when training.
        augment: random crops and flips (training); otherwise central crops, and images keep their sides.
    """

    mode: str
    load_size: int
    crop_size: int
    multiple: int = 1
    smallest: int = 1
    augment: bool = True
    flip: bool = True

    def sample(self, image: torch.Tensor, rng: random.Random) -> Sampled:
        """The parameters for an image (C, H, W), or for both of a pair of that size.

        Raises: ValueError when the image is too small to be cropped, or too thin to be scaled.
        """
        height, width = resized = self._resized(image.shape[-2], image.shape[-1])
        if height * width > MOST_PIXELS:
            raise ValueError(
                f"--preprocess {self.mode} would make {width}x{height} pixels of its "
                f"{image.shape[-1]}x{image.shape[-2]}, which are too many: give a smaller --load_size or "
                "--crop_size, or images that are less narrow"
            )
        top = left = 0
        crop = None
        if "crop" not in self.mode and self.augment:  # to sides that the network takes
            crop = self._rounded(height), self._rounded(width)
            scale = max(crop[0] / height, crop[1] / width)
            resized = max(crop[0], round(height * scale)), max(crop[1], round(width * scale))
            top, left = rng.randint(0, resized[0] - crop[0]), rng.randint(0, resized[1] - crop[1])
        elif "crop" in self.mode:
            spare_rows, spare_columns = height - self.crop_size, width - self.crop_size
            if min(spare_rows, spare_columns) < 0:
                raise ValueError(
                    f"{width}x{height} pixels are too few for --crop_size {self.crop_size} with "
                    f"--preprocess {self.mode}; crop less, or use scale_width_and_crop"
                )
            crop = (self.crop_size, self.crop_size)
            if self.augment:
                top, left = rng.randint(0, spare_rows), rng.randint(0, spare_columns)
            else:
                top, left = spare_rows // 2, spare_columns // 2
        mirrored = self.augment and self.flip and rng.random() < 0.5
        return Sampled(resized, crop, top, left, mirrored)

    def _resized(self, height: int, width: int) -> Size:
        if self.mode == "resize_and_crop":
            return self.load_size, self.load_size
        if self.mode.startswith("scale_width"):
            scale = self.load_size / width
            if self.mode == "scale_width_and_crop":  # wide images: as much larger as the crop needs
                scale = max(scale, self.crop_size / height)
            height, width = max(1, round(height * scale)), max(1, round(width * scale))
        return height, width

    def _rounded(self, side: int) -> int:
        least = -(-self.smallest // self.multiple)
        return max(1, least, round(side / self.multiple)) * self.multiple


@dataclass(frozen=True)
class Sampled:
    """One draw of all random choices."""

    resized: Size
    crop: Size | None
    top: int
    left: int
    mirrored: bool

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (C, H, W) -> float32 (C, H', W') in [-1, 1]."""
        return to_network_range(self.pixels(image))

    def pixels(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (C, H, W) -> uint8 (C, H', W')."""
        if tuple(image.shape[-2:]) != self.resized:
            image = TF.resize(image, list(self.resized), InterpolationMode.BICUBIC, antialias=True)
        if self.crop:
            image = TF.crop(image, self.top, self.left, *self.crop)
        return TF.horizontal_flip(image) if self.mirrored else image


def to_network_range(image: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 -> float32 -1..1."""
    return image.to(torch.float32).div_(127.5).sub_(1)
