"""Two unrelated folders of images, <dataroot>/<phase>A and <dataroot>/<phase>B."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from data.base_dataset import BaseDataset, Source
from options.base_options import DataOptions
from util.images.tars import shard_lengths
from util.images.values import Values


class UnalignedDataset(BaseDataset):
    """A in order, a random B for every item; as long as the larger folder.

    With --serial_batches both go in order, the smaller starting over. --direction BtoA swaps the folders.
    B in tars goes tar by tar in an order of its own, instead of being drawn: `partner_shards`.
    """

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        sides = "BA" if options.direction == "BtoA" else "AB"
        self.folders = [self.root / f"{source.phase}{side}" for side in sides]
        self.A_paths, self.B_paths = map(self.list_images, self.folders)
        self.A, self.B = self.settle(self.A_paths, self.B_paths)

    def folder_values(self) -> dict[Path, tuple[Values, ...]]:
        return dict(zip(self.folders, ((self.A,), (self.B,)), strict=True))

    def file_pairs(self) -> list[tuple[str, str]]:
        return []

    def __len__(self) -> int:
        return max(len(self.A_paths), len(self.B_paths))

    def partner_shards(self) -> list[int] | None:
        return None if self.options.serial_batches else shard_lengths(self.B_paths)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        if self.options.serial_batches:
            return self.item_with(index, index % len(self.B_paths), rng)
        return self._pair(index, rng.choice(self.B_paths), rng)

    def item_with(self, index: int, partner: int, rng: random.Random) -> dict[str, Any]:
        return self._pair(index, self.B_paths[partner], rng)

    def _pair(self, index: int, B_path: str, rng: random.Random) -> dict[str, Any]:
        A_path = self.A_paths[index % len(self.A_paths)]
        A = self.read(A_path, self.A, rng)
        B = self.read(B_path, self.B, rng)
        return {"A": A, "B": B, "A_paths": A_path, "B_paths": B_path}
