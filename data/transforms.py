"""Resizing, cropping and flipping with sampled parameters: the same sample fits both images of a pair."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as TF

from options.types import as_typed
from util.images.nodata import fill_missing, mark_missing

Size = tuple[int, int]  # height, width, in pixels
Resize = Callable[[torch.Tensor, Size], torch.Tensor]
MOST_PIXELS = 178_956_970  # of an image, which Pillow does not exceed either
SCALES = (0.9, 1.1)  # the least and the most that --augment scale enlarges by


@dataclass(frozen=True)
class Preprocess:
    """The way in which images become network inputs.

    Attributes:
        mode: a value of --preprocess.
        load_size, crop_size: heights and widths.
        multiple, smallest: what both sides must be divisible by, and at least, where the mode leaves them
            free, when training.
        augment: random crops and flips (training); otherwise central crops, and images keep their sides.
        flip: mirror half of the images left to right.
        augmentations: further random changes, as in --augment.
    """

    mode: str
    load_size: Size
    crop_size: Size
    multiple: int = 1
    smallest: int = 1
    augment: bool = True
    flip: bool = True
    augmentations: tuple[str, ...] = ()

    def sample(self, image: torch.Tensor, rng: random.Random) -> Sampled:
        """The parameters for an image (C, H, W), or for both of a pair of that size.

        Raises: ValueError when the image is too small to be cropped, or too thin to be scaled.
        """
        return self.sample_for((image.shape[-2], image.shape[-1]), rng)

    def sample_for(self, size: Size, rng: random.Random) -> Sampled:
        """`sample` for an image of which only the size is known."""
        height, width = resized = self.resized(size)
        if not self.augment:
            if "crop" not in self.mode:
                return Sampled(resized, None, 0, 0, False)
            top, left = (height - self.crop_size[0]) // 2, (width - self.crop_size[1]) // 2
            return Sampled(resized, self.crop_size, top, left, False)

        # The crop as it lies in the image: a quarter turn swaps its sides, and scaling makes it larger or smaller.
        size_out = self.crop_size if "crop" in self.mode else self._rounded_sides(size)
        turns = _turns(size_out, resized, rng) if "rot90" in self.augmentations else 0
        upright = (size_out[1], size_out[0]) if turns % 2 else size_out
        crop = _scaled_crop(upright, resized, rng) if "scale" in self.augmentations else upright

        top, left = rng.randint(0, height - crop[0]), rng.randint(0, width - crop[1])
        mirrored = self.flip and rng.random() < 0.5
        flipped = "flip" in self.augmentations and rng.random() < 0.5
        return Sampled(resized, crop, top, left, mirrored, flipped, turns, upright)

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


def _turns(crop: Size, image: Size, rng: random.Random) -> int:
    """Draws a number of quarter turns: an even one where the crop does not fit into the image on its side."""
    on_its_side = crop[1] <= image[0] and crop[0] <= image[1]
    return rng.randrange(4) if on_its_side else 2 * rng.randrange(2)


def _scaled_crop(crop: Size, image: Size, rng: random.Random) -> Size:
    """Draws how much is cut to be resized to a crop: less of the image enlarges it. All of the image is the most."""
    least = max(SCALES[0], crop[0] / image[0], crop[1] / image[1])
    scale = rng.uniform(least, SCALES[1])
    return min(image[0], round(crop[0] / scale)), min(image[1], round(crop[1] / scale))


@dataclass(frozen=True)
class Sampled:
    """One draw of all random choices, in the order in which they are applied.

    Attributes:
        resized: size of the whole image.
        crop: size of what is cut out; None: nothing is.
        top, left: its place.
        size: what the crop is resized to; None: it stays as it is.
        turns: number of quarter turns, counter-clockwise.
        mirrored, flipped: whether left and right, top and bottom are exchanged.
    """

    resized: Size
    crop: Size | None
    top: int
    left: int
    mirrored: bool
    flipped: bool = False
    turns: int = 0
    size: Size | None = None

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (C, H, W) -> float32 (C, H', W') in [-1, 1]."""
        return to_network_range(self.pixels(image))

    def pixels(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (C, H, W) -> uint8 (C, H', W')."""
        return self.cropped(resize(image, self.resized))

    def cropped(self, image: torch.Tensor, scale: Resize | None = None) -> torch.Tensor:
        """Crops, scales, turns and flips an image (C, H, W) that has been resized. scale: `resize` unless given."""
        if self.crop:
            (height, width), top, left = self.crop, self.top, self.left
            image = image[..., top : top + height, left : left + width]
        if self.size:
            image = (scale or resize)(image, self.size)
        if self.turns:
            image = image.rot90(self.turns, (-2, -1))
        if self.mirrored:
            image = image.flip(-1)
        return image.flip(-2) if self.flipped else image


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


def resize_present(image: torch.Tensor, size: Size) -> torch.Tensor:
    """Resizes floats in which NaN marks pixels without data; a pixel that any of these would mix into is one, too."""
    if tuple(image.shape[-2:]) == size:
        return image
    filled, valid = fill_missing(image)
    bilinear = InterpolationMode.BILINEAR
    share = TF.resize(valid.float(), list(size), bilinear, antialias=True)
    return mark_missing(resize(filled, size), share > 0.999)


def to_network_range(image: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 -> float32 -1..1."""
    if image.device.type != "cpu":
        return image.to(torch.float32).div_(127.5).sub_(1)
    # In one thread: PyTorch's others would go on waiting for work on cores that the loader needs.
    levels = image.numpy().astype(np.float32)
    levels /= np.float32(127.5)
    levels -= 1
    return torch.from_numpy(levels)
