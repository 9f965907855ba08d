"""Images of one domain, anywhere below <dataroot>; for --model test."""

from __future__ import annotations

import random
from typing import Any

from data.base_dataset import BaseDataset, Source
from options.base_options import DataOptions


class SingleDataset(BaseDataset):
    """A alone. --direction has no meaning here."""

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        self.paths = self.list_images(self.root)
        self.A, _ = self.settle(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        path = self.paths[index]
        return {"A": self.read(path, self.A, rng), "A_paths": path}
