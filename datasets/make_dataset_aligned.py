#!/usr/bin/env python
"""Makes the paired layout out of the unpaired one where its images are pairs.

    python datasets/make_dataset_aligned.py --dataset-path ./datasets/mine

trainA/x.jpg and trainB/x.jpg, or trainA/x_A.jpg and trainB/x_B.jpg, become train/x.jpg; likewise val and test.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.dataset_options import PAIR_FORMATS
from options.wording import count
from util.errors import InputError, run_command
from util.script_parser import script_parser

if TYPE_CHECKING:
    from data.files.pairs import Pair

SPLITS = ("train", "val", "test")


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    from data.files.join_pairs import check_place, suffix_of, write_pairs

    root = options.dataset_path
    splits = [name for name in SPLITS if any((root / f"{name}{side}").is_dir() for side in "AB")]
    if not splits:
        raise InputError(f"{root} holds no trainA and trainB, nor testA and testB")
    plan = {split: find_pairs(root, split, options.by_order) for split in splits}
    for split, pairs in plan.items():  # all are looked at before the first is written
        check_place([root / split / f"{p.name}{suffix_of(p, options.format)}" for p in pairs])
    for split, pairs in plan.items():
        write_pairs(
            pairs, root / split, format=options.format, resize=False, threads=min(8, os.cpu_count() or 1)
        )  # fmt: skip
        print(f"{root / split}: {count(len(pairs), 'pair')}")
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    words = script_parser(__doc__)
    words.add_argument(
        "--dataset-path",
        "--dataset_path",
        type=Path,
        required=True,
        help="holds trainA, trainB ...",
    )
    words.add_argument(
        "--by_order", action="store_true",
        help="pairs the n-th of A with the n-th of B, whatever their names, and numbers them",
    )  # fmt: skip
    words.add_argument(
        "--format", choices=PAIR_FORMATS, default="auto",
        help="auto: jpg where both halves are JPEG files, otherwise png, which loses nothing",
    )  # fmt: skip
    return words.parse_args(argv)


def find_pairs(root: Path, split: str, by_order: bool) -> list[Pair]:
    """Pairs of a split. Raises: InputError unless every image has its partner."""
    from data.files.image_folder import list_images
    from data.files.pairs import Pair, find_unpaired, match_pairs, names_of

    folders = [root / f"{split}{side}" for side in "AB"]
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}")
    paths_A, paths_B = (list_images(folder) for folder in folders)
    if by_order:
        if len(paths_A) != len(paths_B):
            raise InputError(
                f"{folders[0]} holds {count(len(paths_A), 'image')}, {folders[1]} {len(paths_B)}: these are no pairs"
            )
        both = zip(paths_A, paths_B, strict=True)
        return [Pair(f"{number:04d}", Path(A), Path(B)) for number, (A, B) in enumerate(both)]
    for sides in (False, True):
        A, B = (
            names_of(paths, folder, sides)
            for paths, folder in zip((paths_A, paths_B), folders, strict=True)
        )
        if pairs := match_pairs(A, B):
            break
    left = [*find_unpaired(A, B), *find_unpaired(B, A)]
    if left or len(pairs) != max(len(paths_A), len(paths_B)):
        first = left[0] if left else paths_A[0]
        raise InputError(
            f"{first} has no partner of the same name in the other folder: rename or remove it, or say --by_order "
            "if the n-th of A does belong to the n-th of B"
        )
    return pairs


if __name__ == "__main__":
    run_command(main)
