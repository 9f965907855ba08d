#!/usr/bin/env python
"""Makes the papers' Cityscapes data set of 256x256 pixels from the files of its owners.

    python datasets/prepare_cityscapes_dataset.py --gtFine_dir ./gtFine --leftImg8bit_dir ./leftImg8bit \\
      --output_dir ./datasets/cityscapes

Register at https://www.cityscapes-dataset.com, download gtFine_trainvaltest.zip and leftImg8bit_trainvaltest.zip there
and unpack them. Their train becomes train, their val becomes test: pairs in train/ and test/ (photo left, labels
right), the same images alone in trainA/ and testA/ (photos), trainB/ and testB/ (labels).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.wording import count
from util.errors import InputError, run_command
from util.script_parser import script_parser

SIZE = (256, 256)
LABELS, PHOTO = "_gtFine_color.png", "_leftImg8bit.png"
PHASES = {"val": "test", "train": "train"}  # theirs: ours


@dataclass(frozen=True)
class Frame:
    """A photo with its label map, and where they go."""

    photo: Path
    labels: Path
    folder: Path  # of the output, with the phase: <output_dir>/train
    number: int

    def targets(self, suffix: str) -> tuple[Path, Path, Path]:
        """Files of the pair, the photo and the labels."""
        phase, n = self.folder, self.number
        A, B = (phase.with_name(f"{phase.name}{side}") / f"{n}_{side}{suffix}" for side in "AB")
        return phase / f"{n}{suffix}", A, B


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    from data.files.join_pairs import check_place, write_all

    suffix = f".{options.format}"
    phases = {
        ours: find_frames(
            options.gtFine_dir / theirs, options.leftImg8bit_dir / theirs, options.output_dir / ours
        )
        for theirs, ours in PHASES.items()
    }
    frames = [frame for found in phases.values() for frame in found]
    check_place([path for frame in frames for path in frame.targets(suffix)])
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        write_all(pool, lambda frame: write(frame, suffix), frames, " frames")
    for phase, found in phases.items():
        print(
            f"{options.output_dir / phase}: {count(len(found), 'pair')}; also {phase}A and {phase}B"
        )
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    words = script_parser(__doc__)
    words.add_argument("--gtFine_dir", type=Path, required=True, help="unpacked gtFine")
    words.add_argument("--leftImg8bit_dir", type=Path, required=True, help="unpacked leftImg8bit")
    words.add_argument("--output_dir", type=Path, required=True, help="folder to write")
    words.add_argument(
        "--format", choices=("jpg", "png"), default="jpg",
        help="jpg, of quality 100, is what the papers used; png keeps label colours exactly",
    )  # fmt: skip
    return words.parse_args(argv)


def find_frames(labels: Path, photos: Path, folder: Path) -> list[Frame]:
    """Frames of a split, numbered in sorted order. Raises: InputError unless photos and labels go together."""
    found: list[dict[str, Path]] = []
    for place, ending in ((labels, LABELS), (photos, PHOTO)):
        paths = sorted(place.glob(f"*/*{ending}"), key=str)
        if not paths:
            raise InputError(
                f"{place} holds no <city>/*{ending}: check --gtFine_dir, --leftImg8bit_dir"
            )
        found.append({path.name.removesuffix(ending): path for path in paths})
    drawn, taken = found
    alone = sorted(drawn.keys() ^ taken.keys())
    if alone:
        raise InputError(
            f"{len(alone)} frames are in one of {labels} and {photos} only, such as {alone[0]}: unpack both archives again"
        )
    return [
        Frame(taken[name], path, folder, number)
        for number, (name, path) in enumerate(drawn.items())
    ]


def write(frame: Frame, suffix: str) -> None:
    """The pair and its halves. Labels are reduced without mixing colours into ones that no class has."""
    from PIL import Image

    from data.files.join_pairs import join_pictures, open_picture, write_picture

    photo = open_picture(frame.photo, deep=False).convert("RGB")
    labels = open_picture(frame.labels, deep=False).convert("RGB")
    A = photo.resize(SIZE, Image.Resampling.BICUBIC)
    B = labels.resize(SIZE, Image.Resampling.NEAREST)
    for path, image in zip(frame.targets(suffix), (join_pictures(A, B), A, B), strict=True):
        write_picture(path, image)


if __name__ == "__main__":
    run_command(main)
