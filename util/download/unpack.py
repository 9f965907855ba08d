"""Unpacks .zip, .tar.gz and .tar of unknown origin.

Only folders and plain files are ever written, each below the target; no link is ever made, and the
extract functions of zipfile and tarfile are not used: tarfile's filter "data" is missing in Python 3.10.11
and could be led out of the folder until 3.13.3, and zipfile has none.
"""

from __future__ import annotations

import errno
import gzip
import posixpath
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple, cast

from util.files import replace_folder

CHUNK = 1 << 20  # bytes per read
BLOCK = 4096  # bytes that every member is counted as at least
# Pictures hardly compress; a small archive may hold 256 MiB.
BOMB_RATIO, BOMB_FLOOR = 50, 256 << 20
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)
# Encrypted, of an unknown method, with an odd header field.
UNREADABLE = (RuntimeError, ValueError, OverflowError)


class ArchiveError(Exception):
    """The file is damaged, is something else, or is not safe to unpack."""


class Member(NamedTuple):
    name: str
    size: int
    stream: IO[bytes] | None = None  # of a plain file
    link: str | None = None  # of a link: the name of the member it stands for


def unpack(archive: Path, target: Path, *, limit: int | None = None) -> int:
    """Unpacks into a folder beside target and renames that to target, replacing what was there.

    The archive's one top folder becomes target, whatever its name; without one, all of it does.

    Args:
        limit: most bytes to unpack; None is 50 times the archive, or 256 MiB for a small one.
    Returns: number of files.
    Raises: ArchiveError; OSError if the disk is full or cannot be written.
    """
    if limit is None:
        limit = max(BOMB_FLOOR, BOMB_RATIO * archive.stat().st_size)
    staging = target.parent / f".{target.name}.unpacking"
    content = staging / "content"
    if staging.exists():
        shutil.rmtree(staging)  # left by a run that was killed
    try:
        content.mkdir(parents=True)
        try:
            with open(archive, "rb") as file:
                n_files = write_members(members_of(file), content, limit)
        except DAMAGED as error:
            raise ArchiveError(f"{archive.name} is damaged or cut short ({error})") from error
        except UNREADABLE as error:
            raise ArchiveError(f"{archive.name} cannot be read ({error})") from error
        if not n_files:
            raise ArchiveError(f"{archive.name} holds no files")
        replace_folder(top_folder(content, target.name), target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return n_files


def members_of(file: IO[bytes]) -> Iterator[Member]:
    start = file.read(512)
    file.seek(0)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zip_members(file)
    if start.startswith(b"\x1f\x8b"):
        return tar_members(gzip.GzipFile(fileobj=file))
    if start[257:262] == b"ustar":
        return tar_members(file)
    raise ArchiveError(f"not a .zip, .tar.gz or .tar: it begins with {start[:16]!r}")


def zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16 if info.create_system == 3 else 0  # 3: made on Unix
            kind = stat.S_IFMT(mode)
            if info.is_dir():
                yield Member(info.filename, 0)
            elif kind == stat.S_IFLNK and info.file_size < BLOCK:
                folder = posixpath.dirname(info.filename)
                link = archive.read(info).decode()
                yield Member(info.filename, 0, link=posixpath.join(folder, link))
            elif kind in (0, stat.S_IFREG):
                with archive.open(info) as stream:  # its last read compares the CRC
                    yield Member(info.filename, info.file_size, stream)
            else:
                raise ArchiveError(f"it holds {info.filename!r}, which is no file, folder or link")


def tar_members(file: IO[bytes] | gzip.GzipFile) -> Iterator[Member]:
    reads = _SmallReads(file)
    with tarfile.open(fileobj=cast("IO[bytes]", reads), mode="r:") as archive:
        for info in archive:
            if info.isdir():
                yield Member(info.name, 0)
            elif info.islnk():
                yield Member(info.name, 0, link=info.linkname)
            elif info.issym():
                folder = posixpath.dirname(info.name)
                yield Member(info.name, 0, link=posixpath.join(folder, info.linkname))
            elif info.isreg():
                yield Member(info.name, info.size, archive.extractfile(info))
            else:
                raise ArchiveError(f"it holds {info.name!r}, which is no file, folder or link")
    rest = reads.last  # tarfile takes a damaged header for the end: only zeros are the end
    if not rest:
        raise tarfile.ReadError("the end is missing")
    while rest:  # on to the end of the file, where gzip compares the checksum
        if rest.strip(b"\0"):
            raise tarfile.ReadError("a header is not readable")
        rest = file.read(CHUNK)


class _SmallReads:
    """Refuses the huge single reads by which a hostile tar header would fill the memory."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self.file, self.last = file, b""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 16 * CHUNK:
            raise ArchiveError(f"a header asks for {size} bytes of memory")
        self.last = self.file.read(size)
        return self.last

    def seek(self, position: int) -> int:
        return self.file.seek(position)

    def tell(self) -> int:
        return self.file.tell()


def write_members(members: Iterable[Member], folder: Path, limit: int) -> int:
    """Writes all below folder, links as copies of what they stand for. Returns: number of files."""
    free = shutil.disk_usage(folder).free
    total = n_files = 0
    links: list[tuple[Path, Path, str]] = []

    def count(size: int) -> None:
        nonlocal total
        total += max(size, BLOCK)
        if total > limit:
            raise ArchiveError(
                f"it unpacks to more than {limit / 1e9:.1f} GB, far more than pictures would: "
                "not unpacked. If you trust it, unpack it yourself"
            )
        if total > free:
            raise OSError(errno.ENOSPC, "not enough room to unpack", str(folder.parent.parent))

    for member in members:
        relative = inside(member.name)
        path = folder / relative
        count(member.size)
        if relative.name == ".DS_Store" or "__MACOSX" in relative.parts:
            continue
        try:
            if member.link is not None:
                original = folder / inside(posixpath.normpath(member.link), member.name)
                links.append((path, original, member.name))
            elif member.stream is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "xb") as file:
                    shutil.copyfileobj(member.stream, file, CHUNK)
                n_files += 1
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ArchiveError(f"it holds {member.name!r} twice") from error
    for path, original, name in links:
        if path.exists() or not original.is_file():
            raise ArchiveError(f"{name!r} is a link to something that is no file of the archive")
        count(original.stat().st_size)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, path)
        n_files += 1
    return n_files


def inside(name: str, link: str = "") -> PurePosixPath:
    """Reads the relative path that a name stands for; ArchiveError if it leads out, on any system."""
    windows = PureWindowsPath(name)
    dots = any(not part.rstrip(". ") for part in PurePosixPath(name).parts)
    if windows.drive or windows.root or dots or "\\" in name or "\0" in name:
        what = f"a link {link!r} to {name!r}" if link else repr(name)
        raise ArchiveError(f"it holds {what}, which leads out of the folder: nothing was unpacked")
    return PurePosixPath(name)


def top_folder(content: Path, name: str) -> Path:
    entries = list(content.iterdir())
    named = content / name
    if named.is_dir():
        for other in entries:  # a licence or a readme beside the folder
            if other != named and not (named / other.name).exists():
                other.rename(named / other.name)
        return named
    if len(entries) == 1 and entries[0].is_dir() and any(p.is_dir() for p in entries[0].iterdir()):
        return entries[0]
    return content
