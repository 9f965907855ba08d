"""Colour photographs in <dataroot>/<phase>, as lightness (A) and colour (B) of Lab."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch

from data.base_dataset import BaseDataset, Source
from options.base_options import DataOptions
from options.dataset_options import ColorizationDataOptions
from util.images.values import Values


class ColorizationDataset(BaseDataset):
    """A is L / 50 - 1, B is (a, b) / 110, so that both lie in [-1, 1]."""

    Options = ColorizationDataOptions

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        if (source.input_nc, source.output_nc) != (1, 2):
            raise ValueError(
                "--dataset_mode colorization has --input_nc 1 and --output_nc 2, "
                f"not {source.input_nc} and {source.output_nc}"
            )
        self.paths = self.list_images(self.root / source.phase)

    def folder_values(self) -> dict[Path, tuple[Values, ...]]:
        return dict.fromkeys(self.listed, (Values("A", 3),))

    def file_pairs(self) -> list[tuple[str, str]]:
        return []

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        from skimage.color import rgb2lab

        path = self.paths[index]
        lab = torch.from_numpy(rgb2lab(self.read(path, 3, rng).numpy(), channel_axis=0)).float()
        return {"A": lab[:1] / 50 - 1, "B": lab[1:] / 110, "A_paths": path, "B_paths": path}
