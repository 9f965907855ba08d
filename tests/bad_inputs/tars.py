"""Tars among images: damaged, odd, with index files that lie, and some that would write elsewhere."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import picture
from helpers.archives import odd
from helpers.tar import write_tar
from PIL import Image

from bad_inputs.commands import train_run, translate, weights
from bad_inputs.kind import BadInput
from scripts import make_shards
from util.images.tars import scan, write_index

Run = Callable[[], Any]


def png(height: int = 32, width: int = 64) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(0, height, width)).save(file, "png")
    return file.getvalue()


def tar_of(folder: Path, members: dict[str, bytes], **kind: object) -> Path:
    return Path(write_tar(folder / "given/train/0.tar", members, **kind))


def trained_on(change: Callable[[bytes], bytes]) -> Callable[[Path], Run]:
    """A training on a tar of two pairs, changed."""

    def make(folder: Path) -> Run:
        tar = tar_of(folder, {"a.png": png(), "b.png": png()})
        tar.write_bytes(change(tar.read_bytes()))
        return lambda: train_run(folder)

    return make


def indexed(change: Callable[[str], str]) -> Callable[[Path], Run]:
    """A training on a tar whose index file was changed."""

    def make(folder: Path) -> Run:
        tar = str(tar_of(folder, {"a.png": png(), "b.png": png()}))
        write_index(tar, scan(tar))
        index = Path(tar + ".index")
        index.write_bytes(change(index.read_text()).encode("latin-1"))
        return lambda: train_run(folder)

    return make


def translated(*names: str) -> Callable[[Path], Run]:
    """A test of a tar with members of these names."""

    def make(folder: Path) -> Run:
        write_tar(folder / "given/0.tar", {name: png(24, 24) for name in names})
        weights(folder)
        return lambda: translate(folder)

    return make


def nothing_outside(folder: Path) -> None:
    """All results lie where they should."""
    inside = folder / "results/run/test_latest/images"
    pictures = [*folder.rglob("*_fake.png"), *folder.parent.glob("*_fake.png")]
    assert pictures
    assert all(inside in picture.parents for picture in pictures)


def fifo(folder: Path) -> Run:
    (folder / "given/train").mkdir(parents=True)
    os.mkfifo(folder / "given/train/0.tar")
    return lambda: train_run(folder)


def fifo_for_an_index(folder: Path) -> Run:
    os.mkfifo(f"{tar_of(folder, {'a.png': png()})}.index")
    return lambda: train_run(folder)


def only_a_link(folder: Path) -> Run:
    tar = tar_of(folder, {})
    with tarfile.open(tar, "w") as archive:
        archive.addfile(odd("a.png", tarfile.SYMTYPE, "/etc/passwd"))
    return lambda: train_run(folder)


def compressed(folder: Path) -> Run:
    tar = tar_of(folder, {"a.png": png()})
    tar.with_name("0.tar.gz").write_bytes(gzip.compress(tar.read_bytes()))
    tar.unlink()
    return lambda: train_run(folder)


def damaged_images(folder: Path) -> Run:
    tar_of(folder, {"a.png": png(), "b.png": png()[:200], "c.jpg": b""})
    return lambda: train_run(folder)


def damaged_images_skipped(folder: Path) -> Run:
    tar_of(folder, {"a.png": png(), "b.png": png()[:200], "c.jpg": b""})
    return lambda: train_run(folder, "--bad_images", "skip")


def dataroot_is_a_tar(folder: Path) -> Run:
    tar = tar_of(folder, {"a.png": png()})
    return lambda: train_run(folder, root=tar)


def packed_over(folder: Path) -> Run:
    tar_of(folder, {"a.png": png()})
    words = ["--dataroot", str(folder / "given/train"), "--out", str(folder / "given")]
    return lambda: make_shards.main(words)


UNREADABLE = "0.tar cannot be read as a plain, uncompressed tar"
MESSAGES: dict[str, tuple[Callable[[Path], Run], str]] = {
    "empty": (trained_on(lambda tar: b""), UNREADABLE),
    "text": (trained_on(lambda tar: b"hello\n" * 300), UNREADABLE),
    "cut": (trained_on(lambda tar: tar[: len(tar) // 3]), UNREADABLE),
    "cut by a block": (trained_on(lambda tar: tar.rstrip(b"\0") + bytes(100)), UNREADABLE),
    "spoilt header": (trained_on(lambda tar: tar.replace(b"b.png", b"\xff\0png")), UNREADABLE),
    "gzip called .tar": (trained_on(gzip.compress), UNREADABLE),
    "compressed": (compressed, "0.tar.gz is compressed"),
    "FIFO": (fifo, "0.tar is missing or not a plain file"),
    "no images": (trained_on(lambda tar: bytes(10240)), "holds no images"),
    "only a link": (only_a_link, "holds no images"),
    "damaged images": (damaged_images, "0.tar/"),
    "index leads to the middle of an image": (
        indexed(lambda text: text.replace("\n512 ", "\n1024 ")),
        "0.tar/a.png: cannot be read",
    ),
    "data root is a tar": (dataroot_is_a_tar, "is a file; give the folder"),
    "shards made over a data set": (packed_over, "is there already"),
}
WORKS: dict[str, Callable[[Path], Run]] = {
    "damaged images skipped": damaged_images_skipped,
    "index is a FIFO": fifo_for_an_index,
    "index leads outside the tar": indexed(lambda text: text.replace("\n512 ", "\n9999872 ")),
    "index of other names": indexed(lambda text: text.replace("a.png", "../../a.png")),
    "index of another tar": indexed(lambda text: text.replace(" bytes", "9 bytes")),
    "index of nonsense": indexed(lambda text: "\xff\0\n" * 99),
}
NAMES: dict[str, tuple[str, ...]] = {
    "names that lead upwards": ("../../../../up.png", "a/../../../../../up2.png"),
    "names from the root": ("/etc/a.png", "//b.png"),
    "the same name in two spellings": ("a.png", "./a.png", "x/../a.png"),
    "names that differ in their extension": ("a.png", "a.PNG", "b/a.png"),
    "names of many letters": ("n" * 200 + ".png", "d/" * 30 + "e.png"),
    "strange names": ("line\nbreak.png", "back\\slash.png", "ä ö.png", os.fsdecode(b"\xff.png"), "%41#?.png"),
    "a tar in a tar": ("b.tar/a.png", "b.tar", "c.png"),
}  # fmt: skip

KINDS = [
    *(BadInput("tar", name, make, says) for name, (make, says) in MESSAGES.items()),
    *(BadInput("tar", name, make) for name, make in WORKS.items()),
    *(BadInput("tar", f"names: {k}", translated(*names), "", nothing_outside) for k, names in NAMES.items()),
]  # fmt: skip
