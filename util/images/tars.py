"""Images in tars, addressed as if the tar were a folder: shards/000000.tar/photos/1.jpg."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from functools import lru_cache

from util.errors import InputError
from util.images.tar_table import read_index, scan

OPEN = 16  # tars that a process keeps open, with their tables
SEPARATORS = re.escape(os.sep + (os.altsep or ""))
INTO_TAR = re.compile(rf"\.tar(?=[{SEPARATORS}])", re.I)


def tar_of(path: str) -> str | None:
    """The tar that a path leads into; None for the path of a file."""
    for match in INTO_TAR.finditer(path):
        if os.path.isfile(path[: match.end()]):
            return path[: match.end()]
    return None


def shard_lengths(paths: Sequence[str]) -> list[int] | None:
    """How many of the paths, one after the other, lie in the same tar, or in none; None if all are files."""
    lengths: list[int] = []
    inside, any_tar = "", False
    for path in paths:
        if inside and path.startswith(inside):
            lengths[-1] += 1
            continue
        tar = tar_of(path)
        if tar or inside or not lengths:
            lengths.append(0)
        lengths[-1] += 1
        inside = tar + path[len(tar)] if tar else ""
        any_tar = any_tar or tar is not None
    return lengths if any_tar else None


def image_bytes(path: str) -> bytes:
    """All of an image file, or of an image in a tar. Raises: OSError."""
    tar = tar_of(path)
    if tar is None:
        with open(path, "rb") as file:
            return file.read()
    return _opened(tar).read(path)


def readable(path: str) -> str | io.BytesIO:
    """What Pillow opens: a file's path, or the bytes of an image in a tar. Raises: OSError."""
    return path if tar_of(path) is None else io.BytesIO(image_bytes(path))


def stamp(path: str) -> tuple[int, int]:
    """Size and time of change, which are others when the content is. Raises: OSError."""
    tar = tar_of(path)
    status = os.stat(tar or path)
    size = status.st_size if tar is None else _opened(tar).place(path)[1]
    return size, status.st_mtime_ns


def forget_tars() -> None:
    """Closes all that is open, for tars that may have been replaced."""
    _opened.cache_clear()


class _Tar:
    """An open tar. Processes may inherit it: it is read at places, without a position to share."""

    def __init__(self, tar: str) -> None:
        self.tar = tar
        self.table = read_index(tar) or scan(tar)
        self.file = os.open(tar, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def place(self, path: str) -> tuple[int, int]:
        """Offset and size. Raises: FileNotFoundError."""
        name = path[len(self.tar) + 1 :].replace(os.sep, "/")
        place = self.table.find(name)
        if place is None:
            raise FileNotFoundError(f"{self.tar} holds no image {name}")
        return place

    def read(self, path: str) -> bytes:
        offset, size = self.place(path)
        if hasattr(os, "pread"):
            found = os.pread(self.file, size, offset)
        else:  # Windows
            with open(self.tar, "rb") as file:
                file.seek(offset)
                found = file.read(size)
        if len(found) != size:
            raise OSError(f"{self.tar} has been cut short")
        return found

    def __del__(self, close=os.close) -> None:
        if hasattr(self, "file"):
            close(self.file)


@lru_cache(OPEN)
def _opened(tar: str) -> _Tar:
    try:
        return _Tar(tar)
    except InputError as error:
        raise OSError(str(error)) from None
