"""Files of images -> tars, cut in the order in which they are listed."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from data.files.image_folder import list_images
from util.errors import InputError
from util.files import replacing
from util.images.tars import BLOCK, Table, scan, tar_of, write_index


class Shard(NamedTuple):
    """A tar to be.

    Attributes:
        tar: its place below --out.
        folder: of the images.
        names, sizes: of the images, below the folder, sorted; bytes.
    """

    tar: Path
    folder: Path
    names: list[str]
    sizes: list[int]

    def is_in(self, table: Table) -> bool:
        """Tells whether a tar with this table holds the same names and sizes."""
        found = zip(table.names, table.sizes.tolist(), strict=True)
        return list(found) == sorted(zip(self.names, self.sizes, strict=True))


def plan_shards(root: Path, limit: float, most: float) -> Iterator[Shard]:
    """Plans tars for all images below root, by at most so many bytes and images each; the same for the same files.

    Raises: InputError when there are no images, or tars already, or images that are no plain files.
    """
    images = list_images(root)
    packed = next((path for path in images if tar_of(path)), None)
    if packed:
        raise InputError(
            f"--dataroot {root} holds tars already, such as {tar_of(packed)}: give files"
        )
    places = [Path(path).relative_to(root) for path in images]
    # Sub-folders are phases and sides, unless there are images beside them.
    together = any(len(place.parts) == 1 for place in places)
    for top, group in groupby(places, key=lambda place: "" if together else place.parts[0]):
        yield from cut(root / top, Path(top), [p.relative_to(top) for p in group], limit, most)


def cut(
    folder: Path, place: Path, files: Sequence[Path], limit: float, most: float
) -> Iterator[Shard]:
    """Tars for the images of one folder, in order; at least one image in each."""
    names: list[str] = []
    sizes: list[int] = []
    number, full = 0, 0
    for file in files:
        if not (folder / file).is_file():
            raise InputError(f"{folder / file} is missing or not a plain file: remove it")
        size = os.path.getsize(folder / file)
        takes = BLOCK + -(-size // BLOCK) * BLOCK
        if names and (full + takes > limit or len(names) >= most):
            yield Shard(place / f"{number:06d}.tar", folder, names, sizes)
            names, sizes, number, full = [], [], number + 1, 0
        names.append(file.as_posix())
        sizes.append(size)
        full += takes
    yield Shard(place / f"{number:06d}.tar", folder, names, sizes)


def pack(shard: Shard, tar: Path) -> None:
    """Writes a tar and its index file, each beside and renamed."""
    with replacing(tar) as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name in shard.names:
            try:
                content = (shard.folder / name).read_bytes()
            except OSError as error:
                raise InputError(f"cannot read {shard.folder / name}: {error.strerror}") from None
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    write_index(str(tar), scan(str(tar)))
