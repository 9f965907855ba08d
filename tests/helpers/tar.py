"""Data sets in tars, made of folders."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from conftest import picture
from PIL import Image

from util.images.tars import scan, write_index


def png(seed: int = 0, height: int = 32, width: int = 32) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(seed, height, width)).save(file, "png")
    return file.getvalue()


def write_tar(path: Path, members: dict[str, bytes], **odd: object) -> str:
    """A tar of these members; odd: attributes that all of them get."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for attribute, value in odd.items():
                setattr(member, attribute, value)
            archive.addfile(member, io.BytesIO(content))
    return str(path)


def in_tars(root: Path, out: Path, images: int = 2, indexed: bool = True) -> Path:
    """A copy of a data set in which the files of each folder lie in tars of so many."""
    for folder in sorted({file.parent for file in root.rglob("*.png")}):
        files = sorted(folder.glob("*.png"))
        for number, start in enumerate(range(0, len(files), images)):
            content = {f.name: f.read_bytes() for f in files[start : start + images]}
            tar = write_tar(out / folder.relative_to(root) / f"{number:06d}.tar", content)
            if indexed:
                write_index(tar, scan(tar))
    return out


def as_in_folders(path: str, out: Path, root: Path) -> str:
    """The file that the image of a path into a tar was made of."""
    parts = Path(path).relative_to(out).parts
    return str(root.joinpath(*(part for part in parts if not part.endswith(".tar"))))
