"""Where the images of a tar lie: told by its headers, or by an index file beside it.

An index file `000000.tar.index` is text: a line with the number of images and the size of the tar in bytes, then a line
`offset size name` for each image, sorted by name; a backslash and a line break in a name are \\\\ and \\n.
"""

from __future__ import annotations

import os
import re
import tarfile
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from util.errors import InputError
from util.files import replacing
from util.images.names import EXTENSIONS, TAR_INDEX, member_image

BLOCK = 512  # bytes; all that a tar holds begins at a multiple
HEADER = "tar index 1: {} images in {} bytes"
SUFFIXES = "|".join(sorted(suffix[1:] for suffix in EXTENSIONS))
# No part of a name is empty or begins with a dot, so that all of it lies in the tar, and none is hidden.
LINE = re.compile(
    rf"^([0-9]{{1,18}}) ([0-9]{{1,18}}) ((?:[^./\n\0][^/\n\0]*/)*[^./\n\0][^/\n\0]*\.(?:{SUFFIXES}))\n",
    re.M | re.I | re.A,
)
ESCAPED = re.compile(r"\\([\\n])")


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
    """What the index file says; None where there is none, or it does not fit the tar: then its headers tell."""
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
    names = [unescaped(name) if "\\" in name else name for _, _, name in found]
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


def unescaped(name: str) -> str:
    return ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], name)
