"""Damaged tars are named, and index files believed only where they fit."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from helpers.data import dataset
from helpers.tar import png, write_tar

from data.files.image_folder import list_images
from data.loading.loader import Loader
from util.errors import InputError
from util.images.read import BadImage, read_image
from util.images.tars import forget_tars, image_bytes, read_index, scan, write_index


def with_size(content: bytes, size: bytes) -> bytes:
    """A tar whose first header gives another size, and is right otherwise."""
    header = content[:124] + size + content[136:148] + b" " * 8 + content[156:512]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:] + content[512:]


def damaged(content: bytes) -> dict[str, bytes]:
    """Bytes of a tar with one 32x32 picture, spoilt in several ways."""
    end = 512 * (1 - -len(png()) // 512)
    return {
        "empty": b"",
        "text": b"hello\n" * 200,
        "cut in an image": content[:900],
        "cut in a header": content[:300],
        "without its end": content[:end],
        "gzip": gzip.compress(content),
        "second header spoilt": content[:end] + b"x" * 2048,
        "negative size": with_size(content, b"\xff" * 12),
        "too large": with_size(content, b"77777777777\0"),
        "far too large": with_size(content, b"\x80" + b"\x7f" * 11),
    }


@pytest.mark.parametrize("how", damaged(bytes(512)))
def test_damaged_tars_are_named_when_images_are_listed(how, tmp_path) -> None:
    tar = Path(write_tar(tmp_path / "0.tar", {"a.png": png()}))
    tar.write_bytes(damaged(tar.read_bytes())[how])
    with pytest.raises(
        InputError, match=r"0\.tar cannot be read as a plain, uncompressed tar \(.+\)"
    ):
        list_images(tmp_path)


def test_bad_images_in_tars_are_told_of_like_bad_files(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(), "b.png": png()[:100], "c.jpg": b""})
    items = dataset(tmp_path, "single")
    loader = Loader(items, num_threads=1, bad_images="skip")
    assert len(list(loader.epoch(1))) == 1
    assert set(loader.skipped) == {f"{tar}/b.png", f"{tar}/c.jpg"}
    with pytest.raises(BadImage, match=r"0\.tar/d\.png: .*holds no image d\.png"):
        read_image(f"{tar}/d.png", 3)


def test_a_tar_that_is_cut_short_while_it_is_used_makes_bad_images(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1), "b.png": png(2)})
    items = dataset(tmp_path, "single")
    assert not isinstance(items[0], BadImage)
    os.truncate(tar, 2000)
    assert "cut short" in items[1].reason
    forget_tars()
    assert "cannot be read as a plain" in items[1].reason


def test_an_index_file_says_what_the_headers_say(tmp_path) -> None:
    names = [
        "a.png",
        "x/ä b.png",
        "line\nbreak.png",
        "back\\slash\\n.png",
        os.fsdecode(b"\xff.png"),
        "l" * 300 + ".JPG",
    ]
    tar = write_tar(tmp_path / "0.tar", {name: png(i) for i, name in enumerate(names)})
    write_index(tar, scan(tar))
    found, read = scan(tar), read_index(tar)
    assert read is not None
    assert read.names == found.names == sorted(names)
    assert read.offsets.tolist() == found.offsets.tolist()
    assert read.sizes.tolist() == found.sizes.tolist()
    for i, name in enumerate(names):
        assert image_bytes(f"{tar}/{name}") == png(i)


SPOILT = {
    "outside the tar": lambda text: text.replace("\n512 ", "\n9999872 "),
    "between blocks": lambda text: text.replace("\n512 ", "\n513 "),
    "larger than the tar": lambda text: text.replace("\n512 ", "\n512 9"),
    "huge numbers": lambda text: text.replace("\n512 ", "\n" + "9" * 400 + " "),
    "negative": lambda text: text.replace("\n512 ", "\n-512 "),
    "leads elsewhere": lambda text: text.replace("a.png", "../a.png"),
    "absolute": lambda text: text.replace("a.png", "/etc/a.png"),
    "no image": lambda text: text.replace("a.png", "a.txt"),
    "null": lambda text: text.replace("a.png", "a\0.png"),
    "cut": lambda text: text[:-5],
    "a line less": lambda text: "\n".join(text.split("\n")[:-2]) + "\n",
    "a line twice": lambda text: text + text.split("\n")[-2] + "\n",
    "out of order": lambda text: text.replace("b.png", "0.png"),
    "another tar": lambda text: text.replace(" bytes", "0 bytes"),
    "empty": lambda text: "",
    "nonsense": lambda text: "\xff\0nonsense",
    "much too long": lambda text: text + "9" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_an_index_file_that_does_not_fit_is_not_used(how, tmp_path, caplog) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1), "b.png": png(2)})
    write_index(tar, scan(tar))
    index = Path(tar + ".index")
    spoilt = SPOILT[how](index.read_text())
    assert spoilt != index.read_text()
    index.write_bytes(spoilt.encode("latin-1"))
    assert [Path(path).name for path in list_images(tmp_path)] == ["a.png", "b.png"]
    assert "0.tar.index does not fit its tar or is older, as 1 of 1 index files" in caplog.text
    assert image_bytes(f"{tar}/b.png") == png(2)


def test_an_index_file_older_than_its_tar_is_not_used(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1)})
    write_index(tar, scan(tar))
    assert read_index(tar) is not None
    os.utime(tar + ".index", (1, 1))
    assert read_index(tar) is None
    os.remove(tar + ".index")
    os.mkfifo(tar + ".index")
    assert read_index(tar) is None
