"""Resizing, cropping and flipping with sampled parameters: the same sample fits both images of a pair."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as TF

from options.types import as_typed

Size = tuple[int, int]  # height, width, in pixels
MOST_PIXELS = 178_956_970  # of an image, which Pillow does not exceed either


@dataclass(frozen=True)
class Preprocess:
    """The way in which images become network inputs.

    Attributes:
        mode: a value of --preprocess.
        load_size, crop_size: heights and widths.
        multiple, smallest: what both sides must be divisible by, and at least, where the mode leaves them
            free, when training.
        augment: random crops and flips (training); otherwise central crops, and images keep their sides.
    """

    mode: str
    load_size: Size
    crop_size: Size
    multiple: int = 1
    smallest: int = 1
    augment: bool = True
    flip: bool = True

    def sample(self, image: torch.Tensor, rng: random.Random) -> Sampled:
        """The parameters for an image (C, H, W), or for both of a pair of that size.

        Raises: ValueError when the image is too small to be cropped, or too thin to be scaled.
        """
        return self.sample_for((image.shape[-2], image.shape[-1]), rng)

    def sample_for(self, size: Size, rng: random.Random) -> Sampled:
        """`sample` for an image of which only the size is known."""
        height, width = resized = self.resized(size)
        top = left = 0
        crop = None
        if "crop" not in self.mode and self.augment:
            crop = self._rounded_sides(size)
        elif "crop" in self.mode:
            crop = self.crop_size
        if crop and self.augment:
            top, left = rng.randint(0, height - crop[0]), rng.randint(0, width - crop[1])
        elif crop:
            top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
        mirrored = self.augment and self.flip and rng.random() < 0.5
        return Sampled(resized, crop, top, left, mirrored)

    def resized(self, size: Size) -> Size:
        """Computes the size that an image is resized to, whatever is cropped from it then.

        Raises: ValueError, as `sample` does.
        """
        height, width = self._scaled(size)
        if height * width > MOST_PIXELS:
            raise ValueError(
                f"--preprocess {self.mode} would make {width}x{height} pixels of its "
                f"{size[1]}x{size[0]}, which are too many: give a smaller --load_size or "
                "--crop_size, or images that are less narrow"
            )
        crop_height, crop_width = self.crop_size
        if "crop" in self.mode and (height < crop_height or width < crop_width):
            raise ValueError(
                f"{width}x{height} pixels are too few for --crop_size {as_typed(self.crop_size)} with "
                f"--preprocess {self.mode}; crop less, or use scale_width_and_crop"
            )
        if "crop" not in self.mode and self.augment:
            crop = self._rounded_sides(size)
            scale = max(crop[0] / height, crop[1] / width)
            return max(crop[0], round(height * scale)), max(crop[1], round(width * scale))
        return height, width

    def recipe(self) -> str:
        """Words all that the resized image depends on, besides the image."""
        words: list[object] = [self.mode]
        if self.mode not in ("crop", "none"):
            words.append(as_typed(self.load_size))
        if self.mode == "scale_width_and_crop":
            words.append(as_typed(self.crop_size))
        if "crop" not in self.mode and self.augment:
            words += [self.multiple, self.smallest]
        return " ".join(map(str, words))

    def _scaled(self, size: Size) -> Size:
        height, width = size
        if self.mode == "resize_and_crop":
            return self.load_size
        if self.mode.startswith("scale_width"):
            scale = self.load_size[1] / width
            if self.mode == "scale_width_and_crop":  # wide images: as much larger as the crop needs
                scale = max(scale, self.crop_size[0] / height)
            height, width = max(1, round(height * scale)), max(1, round(width * scale))
        return height, width

    def _rounded_sides(self, size: Size) -> Size:
        """Rounds sides that the mode leaves free to those that the network takes."""
        height, width = self._scaled(size)
        return self._rounded(height), self._rounded(width)

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
        return self.cropped(resize(image, self.resized))

    def cropped(self, image: torch.Tensor) -> torch.Tensor:
        """The crop and flip of an image that has been resized."""
        if self.crop:
            (height, width), top, left = self.crop, self.top, self.left
            image = image[..., top : top + height, left : left + width]
        return image.flip(-1) if self.mirrored else image


def resize(image: torch.Tensor, size: Size, labels: bool = False) -> torch.Tensor:
    """uint8, or floats in [-1, 1], (C, H, W), as Pillow's bicubic filter resizes it; overshoot is clipped.

    labels: every pixel is one of the image's own, the nearest.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    if labels:
        return TF.resize(image, list(size), InterpolationMode.NEAREST_EXACT)
    if image.dtype != torch.uint8:
        smooth = TF.resize(image, list(size), InterpolationMode.BICUBIC, antialias=True)
        return smooth.clamp_(-1, 1)
    return TF.resize(image, list(size), InterpolationMode.BICUBIC, antialias=True)


def to_network_range(image: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 -> float32 -1..1."""
    if image.device.type != "cpu":
        return image.to(torch.float32).div_(127.5).sub_(1)
    # In one thread: PyTorch's others would go on waiting for work on cores that the loader needs.
    levels = image.numpy().astype(np.float32)
    levels /= np.float32(127.5)
    levels -= 1
    return torch.from_numpy(levels)
