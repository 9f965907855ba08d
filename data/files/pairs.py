"""Pairs of images of A and B: by name, never by place in a list."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from util.errors import InputError
from util.images.names import without_suffix
from util.images.tars import tar_of

SIDE = re.compile(r"(.+)_[AB]")  # names such as 0001_A and 0001_B


@dataclass(frozen=True)
class Pair:
    """Two files that show the same. name: what they share, with sub-folders, without extension."""

    name: str
    A: Path
    B: Path

    @property
    def split(self) -> str:
        """The first folder of the name, or nothing."""
        return self.name.split("/")[0] if "/" in self.name else ""


def names_of(paths: Iterable[str], root: Path, sides: bool = False) -> dict[str, Path]:
    """Images below root by name.

    sides: X_A and X_B are named X, others are left out.
    Raises: InputError when two have one name, as a.jpg and a.png.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        name = below(root, str(path)).as_posix()
        if sides:
            match = SIDE.fullmatch(name)
            if match is None:
                continue
            name = match[1]
        if name in found:
            raise InputError(f"{found[name]} and {path} have one name: remove one of them")
        found[name] = path
    return found


def below(folder: Path, path: str) -> Path:
    """A path below the folder, without its suffix and the tar it may lead into."""
    tar = tar_of(path)
    place = path if tar is None else os.path.dirname(tar) + path[len(tar) :]
    return without_suffix(Path(place).relative_to(folder))


def match_pairs(A: dict[str, Path], B: dict[str, Path]) -> list[Pair]:
    """Pairs of the names that both have, in the order of A."""
    return [Pair(name, path, B[name]) for name, path in A.items() if name in B]


def find_unpaired(A: dict[str, Path], B: dict[str, Path]) -> list[Path]:
    """Files of A without a partner in B."""
    return [path for name, path in A.items() if name not in B]
