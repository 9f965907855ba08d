"""Pairs: images that hold A on the left and B on the right, in <dataroot>/<phase>."""

from __future__ import annotations

import random
from typing import Any

from torchvision.transforms.v2.functional import rgb_to_grayscale

from data.base_dataset import BaseDataset, Source, image_channels
from data.image_reader import BadImage, read_image
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
        pair = read_image(path, max(self.channels))
        if pair.shape[-1] % 2:
            raise BadImage(
                path,
                f"{pair.shape[-1]} pixels wide, which is odd: an aligned image holds A and B side by side, "
                "equally wide; for separate images use --dataset_mode unaligned",
            )
        left, right = pair.chunk(2, dim=-1)
        real_A, real_B = (right, left) if self.options.direction == "BtoA" else (left, right)
        same = self.sample(path, left, rng)
        A, B = (
            same(rgb_to_grayscale(half) if nc < half.shape[0] else half)
            for half, nc in zip((real_A, real_B), self.channels, strict=True)
        )
        return {"A": A, "B": B, "A_paths": path, "B_paths": path}
