"""Pairs: images that hold A on the left and B on the right, or files of the same names in two folders."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from data.base_dataset import BaseDataset, Source
from data.files.image_folder import NoImages, list_images
from data.files.pairs import find_unpaired, match_pairs, names_of
from options.base_options import DataOptions
from util.errors import InputError
from util.images.values import Values


class AlignedDataset(BaseDataset):
    """Both images of a pair get the same crop and flip. --direction BtoA makes B the input.

    Read from <dataroot>/<phase> where that holds images, otherwise from <phase>A and <phase>B.

    Attributes:
        sides_in_a_file: 2 where A and B are the halves of one file.
        paths: the first file of each pair.
    """

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        A_folder, B_folder = self.folders = [self.root / f"{source.phase}{side}" for side in "AB"]
        try:
            self._pairs = [(path, path) for path in self.list_images(self.root / source.phase)]
            self.sides_in_a_file = 2
        except NoImages:
            # False also for names that are too long
            missing = [folder for folder in self.folders if not os.path.isdir(folder)]
            if len(missing) == 1:
                (found,) = {A_folder, B_folder} - {*missing}
                raise NoImages(
                    f"{self.root} holds {found.name} but no {missing[0].name}: pairs need both, "
                    f"or one folder {source.phase} of images with A on the left and B on the right; images that are "
                    "no pairs are for --model cycle_gan (layouts: docs/datasets.md)"
                ) from None
            if missing:
                raise
            self._pairs = self._matched(A_folder, B_folder)
        left, right = zip(*self._pairs, strict=True)
        self.paths = list(left)
        self.swapped = options.direction == "BtoA"
        self.A, self.B = self.settle(*((right, left) if self.swapped else (left, right)))

    def _matched(self, A_folder: Path, B_folder: Path) -> list[tuple[str, str]]:
        """Files whose names agree below their folders, but for the extension.

        Raises: InputError when none do, or two files of a folder have one name.
        """
        A, B = (names_of(list_images(folder), folder) for folder in (A_folder, B_folder))
        pairs = [(str(pair.A), str(pair.B)) for pair in match_pairs(A, B)]
        if not pairs:
            raise InputError(
                f"{A_folder} and {B_folder} have no names in common, such as {next(iter(A.values())).name} and "
                f"{next(iter(B.values())).name}: pairs are found by name; images that are no pairs are for "
                "--dataset_mode unaligned"
            )
        self.unpaired_files = [str(path) for path in (*find_unpaired(A, B), *find_unpaired(B, A))]
        pairs = pairs[: int(min(len(pairs), self.options.max_dataset_size))]
        self.listed = {A_folder: [A for A, _ in pairs], B_folder: [B for _, B in pairs]}
        return pairs

    def folder_values(self) -> dict[Path, tuple[Values, ...]]:
        left, right = (self.B, self.A) if self.swapped else (self.A, self.B)
        if self.sides_in_a_file == 2:
            return {self.root / self.source.phase: (left, right)}
        return dict(zip(self.folders, ((left,), (right,)), strict=True))

    def file_pairs(self) -> list[tuple[str, str]]:
        return self._pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        left, right = self._pairs[index]
        sides = (self.B, self.A) if self.swapped else (self.A, self.B)
        if self.sides_in_a_file == 2:
            images = self.read_parts(left, sides, rng)
        else:
            images = self.read_pair((left, right), sides, rng)
        (A, A_path), (B, B_path) = zip(images, (left, right), strict=True)
        if self.swapped:
            A, A_path, B, B_path = B, B_path, A, A_path
        return {"A": A, "B": B, "A_paths": A_path, "B_paths": B_path}
