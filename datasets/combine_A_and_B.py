#!/usr/bin/env python
"""Joins images of A and of B that have the same name into side-by-side images for pix2pix.

    python datasets/combine_A_and_B.py --fold_A ./photos --fold_B ./labels --fold_AB ./datasets/mine

fold_A/train/x.jpg and fold_B/train/x.png become fold_AB/train/x.png: A on the left, B on the right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
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


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    from data.files.image_folder import list_images
    from data.files.join_pairs import write_pairs
    from data.files.pairs import find_unpaired, match_pairs, names_of

    names = {}
    for flag, folder in (("--fold_A", options.fold_A), ("--fold_B", options.fold_B)):
        if not folder.is_dir():
            raise InputError(f"{flag}: there is no folder {folder}")
        if options.fold_AB.resolve() == folder.resolve():
            raise InputError(f"--fold_AB {options.fold_AB} is {flag}: give another folder")
        names[flag] = names_of(list_images(folder), folder, options.use_AB)
    A, B = names.values()
    pairs = first_of_each_split(match_pairs(A, B), options.num_imgs)
    if not pairs:
        raise InputError(
            f"no image has the same name in {options.fold_A} and {options.fold_B}, but for its extension"
            + (" and _A, _B" if options.use_AB else " (--use_AB joins X_A and X_B)")
        )
    for left, other in ((find_unpaired(A, B), "--fold_B"), (find_unpaired(B, A), "--fold_A")):
        if left:
            print(
                f"note: {count(len(left), 'image has', 'images have')} no partner in {other}, such as {left[0]}"
            )
    threads = 1 if options.no_multiprocessing else min(8, os.cpu_count() or 1)
    write_pairs(
        pairs, options.fold_AB, format=options.format, resize=options.resize, threads=threads
    )
    for split, found in Counter(pair.split for pair in pairs).items():
        print(f"{options.fold_AB / split}: {count(found, 'pair')}")
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    words = script_parser(__doc__)
    words.add_argument("--fold_A", type=Path, required=True, help="images of A, by split or not")
    words.add_argument("--fold_B", type=Path, required=True, help="images of B")
    words.add_argument("--fold_AB", type=Path, required=True, help="folder to write")
    words.add_argument("--num_imgs", type=int, default=1_000_000, help="of each split, at most")
    words.add_argument("--use_AB", action="store_true", help="joins X_A and X_B to X")
    words.add_argument(
        "--format", choices=PAIR_FORMATS, default="auto",
        help="auto: jpg where both halves are JPEG files, otherwise png, which loses nothing",
    )  # fmt: skip
    words.add_argument("--resize", action="store_true", help="brings B to the size of A")
    words.add_argument("--no_multiprocessing", action="store_true", help="one after the other")
    options = words.parse_args(argv)
    if options.num_imgs < 1:
        words.error("--num_imgs must be above 0")
    return options


def first_of_each_split(pairs: Sequence[Pair], count: int) -> list[Pair]:
    kept: Counter[str] = Counter()
    found = []
    for pair in pairs:
        kept[pair.split] += 1
        if kept[pair.split] <= count:
            found.append(pair)
    return found


if __name__ == "__main__":
    run_command(main)
