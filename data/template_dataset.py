"""A data set to copy: pairs from two folders, first with first, second with second.

Copy this file to data/<x>_dataset.py, rename the class to <X>Dataset, and use it with --dataset_mode <x>. Order,
workers, bad images and resuming work by themselves, as long as all chance comes from `rng`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from data.base_dataset import BaseDataset, Source, image_channels
from options.base_options import DataOptions, at_least
from options.flags import flag, override
from util.images.read import BadImage, read_image


@dataclass(frozen=True)
class TemplateDataOptions(DataOptions):
    """Flags of this data set; `override` changes the default of one that exists."""

    max_dataset_size: float = override(10)
    new_dataset_option: float = flag(2.0, "contrast by which A is multiplied, as an example")

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, new_dataset_option=self.new_dataset_option)


class TemplateDataset(BaseDataset):
    """Item i is image i of <dataroot>/<phase>A and image i of <dataroot>/<phase>B, of equal sizes."""

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
        A_path, B_path = self.A_paths[index], self.B_paths[index]
        A, B = read_image(A_path, self.A_nc), read_image(B_path, self.B_nc)
        if A.shape[1:] != B.shape[1:]:
            raise BadImage(A_path, f"has another size than {B_path}")
        same = self.sample(A_path, A, rng)  # one crop and one flip for both
        A_in_range = (same(A) * self.options.new_dataset_option).clamp(-1, 1)
        return {"A": A_in_range, "B": same(B), "A_paths": A_path, "B_paths": B_path}
