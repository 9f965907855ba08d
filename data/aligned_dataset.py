"""Pairs: images that hold A on the left and B on the right, in <dataroot>/<phase>."""

from __future__ import annotations

import random
from typing import Any

from data.base_dataset import BaseDataset, Source, image_channels
from options.base_options import DataOptions


class AlignedDataset(BaseDataset):
    """Both halves get the same crop and flip. --direction BtoA makes the right half the input."""

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        self.channels = image_channels(source)
        self.paths = self.list_images(self.root / source.phase)

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        path = self.paths[index]
        (A_nc, B_nc), swapped = self.channels, self.options.direction == "BtoA"
        left, right = self.read_parts(path, (B_nc, A_nc) if swapped else (A_nc, B_nc), rng)
        A, B = (right, left) if swapped else (left, right)
        return {"A": A, "B": B, "A_paths": path, "B_paths": path}
