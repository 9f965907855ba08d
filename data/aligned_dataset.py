"""Pairs: images that hold A on the left and B on the right, or files of the same names in two folders."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from data.base_dataset import BaseDataset, Source
from data.files.image_folder import NoImages, list_images
from data.files.pairs import names_of, paired, unpaired
from options.base_options import DataOptions
from util.errors import InputError
from util.images.domain import Domain


class AlignedDataset(BaseDataset):
    """Both images of a pair get the same crop and flip. --direction BtoA makes B the input.

    Read from <dataroot>/<phase> where that holds images, otherwise from <phase>A and <phase>B.

    Attributes:
        side_by_side: whether A and B are the halves of one file.
        pairs: the files of A and of B; the same ones where they are side by side.
        paths: the first of each pair.
        alone: files without a partner.
    """

    def __init__(self, options: DataOptions, source: Source) -> None:
        super().__init__(options, source)
        self.alone: list[str] = []
        A_folder, B_folder = (self.root / f"{source.phase}{side}" for side in "AB")
        try:
            self.pairs = [(path, path) for path in self.list_images(self.root / source.phase)]
            self.side_by_side = True
        except NoImages:
            if not (
                os.path.isdir(A_folder) and os.path.isdir(B_folder)
            ):  # False also for long names
                raise
            self.pairs = self._matched(A_folder, B_folder)
            self.side_by_side = False
        left, right = zip(*self.pairs, strict=True)
        self.paths = list(left)
        self.swapped = options.direction == "BtoA"
        self.A, self.B = self.settle(*((right, left) if self.swapped else (left, right)))

    def _matched(self, A_folder: Path, B_folder: Path) -> list[tuple[str, str]]:
        """Files whose names agree below their folders, but for the extension.

        Raises: InputError when none do, or two files of a folder have one name.
        """
        A, B = (names_of(list_images(folder), folder) for folder in (A_folder, B_folder))
        pairs = [(str(pair.A), str(pair.B)) for pair in paired(A, B)]
        if not pairs:
            raise InputError(
                f"{A_folder} and {B_folder} have no names in common, such as {next(iter(A.values())).name} and "
                f"{next(iter(B.values())).name}: pairs are found by name; images that are no pairs are for "
                "--dataset_mode unaligned"
            )
        self.alone = [str(path) for path in (*unpaired(A, B), *unpaired(B, A))]
        pairs = pairs[: int(min(len(pairs), self.options.max_dataset_size))]
        self.listed = {A_folder: [A for A, _ in pairs], B_folder: [B for _, B in pairs]}
        return pairs

    def domains_by_folder(self) -> dict[Path, tuple[Domain, ...]]:
        parts = (self.B, self.A) if self.swapped else (self.A, self.B)
        if self.side_by_side:
            return dict.fromkeys(self.listed, parts)
        return {folder: (part,) for folder, part in zip(self.listed, parts, strict=True)}

    def __len__(self) -> int:
        return len(self.pairs)

    def item(self, index: int, rng: random.Random) -> dict[str, Any]:
        left, right = self.pairs[index]
        domains = (self.B, self.A) if self.swapped else (self.A, self.B)
        if self.side_by_side:
            images = self.read_parts(left, domains, rng)
        else:
            images = self.read_pair((left, right), domains, rng)
        (A, A_path), (B, B_path) = zip(images, (left, right), strict=True)
        if self.swapped:
            A, A_path, B, B_path = B, B_path, A, A_path
        return {"A": A, "B": B, "A_paths": A_path, "B_paths": B_path}
