"""Images of one domain, anywhere below <dataroot>; for --model test."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from data.base_dataset import BaseDataset, Source
from options.base_options import DataOptions
from util.images.values import Values


class SingleDataset(BaseDataset):
    """A alone. --direction has no meaning here."""

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        self.paths = self.list_images(self.root)
        self.A, _ = self.settle(self.paths)

    def folder_values(self) -> dict[Path, tuple[Values, ...]]:
        return {self.root: (self.A,)}

    def file_pairs(self) -> list[tuple[str, str]]:
        return []

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        path = self.paths[index]
        return {"A": self.read(path, self.A, rng), "A_paths": path}
