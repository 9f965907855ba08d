"""Compares checkpoint files with their checksums: python scripts/verify_checkpoints.py checkpoints/NAME

Takes files, runs and folders of runs. Every .pth file is read as training and testing would read it, and each of its parts
is compared with the CRC-32 that was stored with it. Exit status 1 if a file is damaged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.wording import count
from util.errors import InputError, run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Verifies the files; returns the exit status."""
    options = parser().parse_args(argv)
    files = sorted({file for place in options.places for file in checkpoint_files(place)})
    if not files:
        raise InputError(f"no .pth files in {', '.join(map(str, options.places))}")
    from util.checkpoints.files import verify

    damaged = 0
    for file in files:
        try:
            print(f"{file}: {verify(file)}", flush=True)
        except InputError as error:
            damaged += 1
            print(f"BAD  {error}", flush=True)
    print(
        f"{count(len(files), 'file')}, {f'{damaged} of them damaged' if damaged else 'all whole'}"
    )
    return 1 if damaged else 0


def checkpoint_files(place: Path) -> list[Path]:
    """Lists the .pth files of a folder and its sub-folders; a file is itself. Raises: InputError when it is not there."""
    if not place.exists():
        raise InputError(f"there is no file or folder {place}")
    return sorted(place.rglob("*.pth")) if place.is_dir() else [place]


def parser() -> argparse.ArgumentParser:
    words = script_parser(__doc__)
    words.add_argument("places", nargs="+", type=Path, metavar="PLACE", help="checkpoints/NAME, a folder of such, or a .pth file")  # fmt: skip
    return words


if __name__ == "__main__":
    run_command(main)
