"""How the files of one side, A or B, become images for a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps

from options.ranges import EIGHT_BITS, Range
from util.images.read import BadImage, must_exist, read_image, reason_of
from util.images.read_arrays import channels_last, read_image_array, read_pixels
from util.images.tars import readable
from util.images.values import Unfit, class_numbers, in_units
from util.images.write import to_network


@dataclass(frozen=True)
class Domain:
    """What one side's files hold.

    Attributes:
        side: "A", what the network gets, or "B", what it makes.
        channels: that the network sees.
        bounds: the values that become -1 and 1.
        deep: whether images are floats from reading on; otherwise they are 8-bit until they are on the device.
        labels: number of classes, for label maps; 0 for images.
        alpha: a value of --alpha.
        like: the file that was looked at to find this out, or nothing.
    """

    side: str
    channels: int
    bounds: Range = EIGHT_BITS
    deep: bool = False
    labels: int = 0
    alpha: str = "drop"
    like: str = ""

    @property
    def plain(self) -> bool:
        """Whether images are grey or colour of 8 bits."""
        return not self.deep and not self.labels and self.channels in (1, 3)

    @property
    def recipe(self) -> object:
        """What a file's image depends on, besides the file."""
        if self.plain and self.alpha == "drop":
            return self.channels
        return (self.channels, str(self.bounds), self.deep, self.labels, self.alpha)

    def read(self, path: str) -> torch.Tensor:
        """float32 (C, H, W) in [-1, 1] if deep; class numbers (1, H, W) uint8 of label maps; else uint8 (C, H, W).

        Raises: BadImage.
        """
        if self.plain:
            return read_image(path, self.channels, self.alpha)
        must_exist(path)
        try:
            array = self._labels(path) if self.labels else self._values(path)
        except Unfit as error:
            raise BadImage(path, str(error)) from None
        except Exception as error:  # libraries have many words for a damaged file
            raise BadImage(path, f"cannot be read as an image ({reason_of(error)})") from None
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 0)))

    def outside(self, path: str) -> int:
        """How many of a file's values lie outside the range. Raises: BadImage."""
        if self.plain or self.labels:
            return 0
        try:
            values = self._in_units(path)
        except Unfit as error:
            raise BadImage(path, str(error)) from None
        except Exception as error:
            raise BadImage(path, f"cannot be read as an image ({reason_of(error)})") from None
        return int(((values < self.bounds.low) | (values > self.bounds.high)).sum())

    def _values(self, path: str) -> np.ndarray:
        values = self._in_units(path)
        if not np.isfinite(values).all():
            raise ValueError("some of its values are infinite or no numbers")
        if self.deep:
            return to_network(values, self.bounds)
        return np.rint(values.clip(0, 255)).astype(np.uint8)

    def _in_units(self, path: str) -> np.ndarray:
        array = read_image_array(path, self.channels, self.alpha)
        return in_units(array, self.bounds, f"range_{self.side}", deep=self.deep)

    def _labels(self, path: str) -> np.ndarray:
        """(H, W, 1) uint8 of class numbers, or numbers of a palette's colours."""
        try:
            with Image.open(readable(path)) as file:
                array = np.array(ImageOps.exif_transpose(file)) if file.mode in ("1", "P") else None
        except Exception:  # not Pillow's
            array = None
        if array is None:
            array, transparent, pages = read_pixels(path)
            array = channels_last(array, 1, pages)[..., : -1 if transparent else None]
        else:
            array = array.astype(np.uint8)[..., None]
        return class_numbers(array, self.labels)
