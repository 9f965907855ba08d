"""A data set to copy: pairs from two folders of the same file names.

Copy this file to data/<x>_dataset.py, rename the class to <X>Dataset, and use it with --dataset_mode <x>. Order,
workers, bad images and resuming work by themselves, as long as all chance comes from `rng`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from data.base_dataset import BaseDataset, Source, image_channels
from options.base_options import DataOptions
from options.flags import flag, override


@dataclass(frozen=True)
class TemplateDataOptions(DataOptions):
    """Flags of this data set; `override` changes the default of one that exists."""

    max_dataset_size: float = override(10)
    new_dataset_option: float = flag(2.0, "brightness by which A is multiplied, as an example")


class TemplateDataset(BaseDataset):
    """Item i is image i of <dataroot>/<phase>A, and of <dataroot>/<phase>B."""

    Options = TemplateDataOptions
    options: TemplateDataOptions

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        self.A_nc, self.B_nc = image_channels(source)
        self.A_paths = self.list_images(self.root / f"{source.phase}A")
        self.B_paths = self.list_images(self.root / f"{source.phase}B")

    def __len__(self) -> int:
        return min(len(self.A_paths), len(self.B_paths))

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        A = self.read(self.A_paths[index], self.A_nc, rng)
        B = self.read(self.B_paths[index], self.B_nc, rng)
        A = ((A + 1) * self.options.new_dataset_option - 1).clamp(-1, 1)
        paths = {"A_paths": self.A_paths[index], "B_paths": self.B_paths[index]}
        return {"A": A, "B": B, **paths}
