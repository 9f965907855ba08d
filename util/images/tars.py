"""Images in tars, addressed as if the tar were a folder: shards/000000.tar/photos/1.jpg.

Headers of the tar tell where its images lie, or an index file beside it. An index file `000000.tar.index` is text: a
line with the number of images and the size of the tar in bytes, then a line `offset size name` for each image, sorted
by name; a backslash and a line break in a name are \\\\ and \\n.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from util.errors import InputError
from util.files import replacing
from util.images.names import EXTENSIONS, TAR_INDEX, member_image

OPEN = 16  # tars that a process keeps open, with their tables
SEPARATORS = re.escape(os.sep + (os.altsep or ""))
INTO_TAR = re.compile(rf"\.tar(?=[{SEPARATORS}])", re.I)
BLOCK = 512  # bytes; all that a tar holds begins at a multiple
HEADER = "tar index 1: {} images in {} bytes"
SUFFIXES = "|".join(sorted(suffix[1:] for suffix in EXTENSIONS))
# No part of a name is empty or begins with a dot, so that all of it lies in the tar, and none is hidden.
LINE = re.compile(
    rf"^([0-9]{{1,18}}) ([0-9]{{1,18}}) ((?:[^./\n\0][^/\n\0]*/)*[^./\n\0][^/\n\0]*\.(?:{SUFFIXES}))\n",
    re.M | re.I | re.A,
)
ESCAPED = re.compile(r"\\([\\n])")


def tar_of(path: str) -> str | None:
    """The tar that a path leads into; None for the path of a file."""
    for match in INTO_TAR.finditer(path):
        if os.path.isfile(path[: match.end()]):
            return path[: match.end()]
    return None


def shard_lengths(paths: Sequence[str]) -> list[int] | None:
    """Counts the paths, one after the other, that lie in the same tar, or in none; None if all are files."""
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


def repeat_shards(lengths: Sequence[int], total: int) -> list[int]:
    """Shards of `total` items, where the given ones start over as often as it takes, the last one cut."""
    found, left = [], total
    for length in cycle(lengths):
        if left <= 0:
            break
        found.append(min(length, left))
        left -= length
    return found


def image_bytes(path: str) -> bytes:
    """Reads all of an image file, or of an image in a tar. Raises: OSError."""
    tar = tar_of(path)
    if tar is None:
        with open(path, "rb") as file:
            return file.read()
    return _opened(tar).read(path)


def stamp(path: str) -> tuple[int, int]:
    """Size and time of change, which are others when the content is. Raises: OSError."""
    tar = tar_of(path)
    status = os.stat(tar or path)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(f"{path} is not a plain file")
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


class Table(NamedTuple):
    """The images of a tar.

    Attributes:
        names: sorted.
        offsets, sizes: int64 (N,), bytes, in the order of the names.
    """

    names: list[str]
    offsets: np.ndarray
    sizes: np.ndarray

    def find(self, name: str) -> tuple[int, int] | None:
        """Offset and size of an image; None if there is none of that name."""
        at = bisect_left(self.names, name)
        if at == len(self.names) or self.names[at] != name:
            return None
        return int(self.offsets[at]), int(self.sizes[at])


def scan(tar: str) -> Table:
    """Reads the headers. Of members with one name the last counts, as when a tar is unpacked; links are passed over.

    Raises: InputError when the tar is damaged, cut short, compressed, or no plain file.
    """
    if not os.path.isfile(tar):
        raise InputError(f"{tar} is missing or not a plain file")
    places: dict[str, tuple[int, int]] = {}
    try:
        with open(tar, "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            length = os.fstat(file.fileno()).st_size
            while (member := archive.next()) is not None:
                cast(Any, archive).members = []  # it would keep them all
                if member.size < 0 or archive.offset <= member.offset:  # and go on for ever
                    raise ValueError(f"a size of {member.size} bytes")
                name = member_image(member.name) if member.isreg() else None
                if name is None:
                    continue
                if member.issparse():
                    raise ValueError(f"{name} is stored with gaps")
                if member.offset_data + member.size > length:
                    raise ValueError("it is cut short")
                places[name] = member.offset_data, member.size
            # tarfile takes anything that is no header for the end.
            file.seek(archive.offset)
            if file.read(BLOCK) != bytes(BLOCK):
                raise ValueError("it does not end as a tar does, or is cut short")
    except Exception as error:  # tarfile has many words for a damaged file
        raise InputError(
            f"{tar} cannot be read as a plain, uncompressed tar ({error or type(error).__name__})"
        ) from None
    names = sorted(places)
    numbers = np.array([places[name] for name in names], np.int64).reshape(-1, 2)
    return Table(names, numbers[:, 0].copy(), numbers[:, 1].copy())


def write_index(tar: str, table: Table) -> None:
    """Writes the index file beside the tar. Raises: InputError when the disk refuses."""
    lines = [HEADER.format(len(table.names), os.path.getsize(tar))]
    for name, offset, size in zip(*table, strict=True):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
        lines.append(f"{offset} {size} {escaped}")
    with replacing(Path(tar + TAR_INDEX)) as file:
        file.write("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))


def read_index(tar: str) -> Table | None:
    """Reads the index file; None where there is none, or it does not fit the tar: then its headers tell."""
    if not os.path.isfile(tar + TAR_INDEX):
        return None
    try:
        with open(tar + TAR_INDEX, "rb") as file:
            index, shard = os.fstat(file.fileno()), os.stat(tar)
            if index.st_mtime_ns < shard.st_mtime_ns:
                return None
            if index.st_size > shard.st_size + BLOCK:  # a header takes more than its line
                return None
            text = file.read().decode("utf-8", "surrogateescape")
    except OSError:
        return None
    header, _, rest = text.partition("\n")
    found = LINE.findall(rest)
    names = [_unescaped(name) if "\\" in name else name for _, _, name in found]
    if header != HEADER.format(len(found), shard.st_size) or rest.count("\n") != len(found):
        return None
    if any(one >= other for one, other in pairwise(names)):
        return None
    if os.sep != "/" and any(member_image(name) != name for name in names):
        return None
    numbers = np.array([(int(offset), int(size)) for offset, size, _ in found], np.int64)
    offsets, sizes = numbers.reshape(-1, 2).T.copy()
    inside = (offsets % BLOCK == 0) & (offsets >= BLOCK) & (offsets + sizes <= shard.st_size)
    return Table(names, offsets, sizes) if inside.all() else None


def _unescaped(name: str) -> str:
    return ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], name)
