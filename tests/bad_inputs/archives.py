"""What a downloader may be handed: archives that would write elsewhere, bombs, damaged and other files."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from helpers.archives import HOSTILE, PICTURES, SAFE, claimed, odd, tarred, zipped

from bad_inputs.kind import BadInput
from bad_inputs.weights import runs_code
from util.download import download

OLD = "datasets/mini/own.jpg"


def zip_that_declares(size: int) -> bytes:
    """A zip whose lists say that a member of a few bytes has this size."""
    content = zipped({"mini/a.jpg": b"a" * 77})
    return content.replace(struct.pack("<I", 77), struct.pack("<I", size))


def encrypted_zip() -> bytes:
    content = bytearray(zipped(SAFE))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(start) + flags] |= 1
    return bytes(content)


def zip_of_files_within_files() -> bytes:
    return zipped({"mini/a": b"1", "mini/a/b": b"2"})


def twice() -> bytes:
    return tarred({"mini/a": b"1", "./mini/a": b"2"})


def tar_of_a_very_long_name() -> bytes:
    return tarred({"mini/" + "x" * 300: b"1"})


def deep_tar() -> bytes:
    return tarred({"mini/" + "d/" * 3000 + "x": b"1"})


def zip_within_a_zip() -> bytes:
    return gzip.compress(zipped(SAFE))


MADE: dict[str, Callable[[], bytes]] = {
    **{name: make for name, make in HOSTILE.items() if name != "zip bomb"},
    "zip bomb of two gigabytes": lambda: zip_that_declares(2**31 - 1),
    "encrypted zip": encrypted_zip,
    "file within a file": zip_of_files_within_files,
    "tar with a member twice": twice,
    "tar with a name of 300 letters": tar_of_a_very_long_name,
    "tar three thousand folders deep": deep_tar,
    "gzip of a zip": zip_within_a_zip,
    "web page": lambda: b"<!DOCTYPE html><title>404</title>",
    "only the first bytes of a zip": lambda: b"PK\x03\x04",
    "only the first bytes of a gzip": lambda: b"\x1f\x8b\x08",
    "text": lambda: b"hello\n" * 200,
    "a gigabyte of headers": lambda: claimed(tarfile.XHDTYPE, 1 << 30),
    "FIFO": lambda: tarred(SAFE, odd("mini/pipe", tarfile.FIFOTYPE)),
}


def weights_file(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def packed_weights() -> bytes:
    """A .pth whose members are compressed, as torch never does and bombs are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(1 << 20))
    return file.getvalue()


WEIGHTS: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda folder: b"",
    "text": lambda folder: b"hello\n",
    "zip of pictures": lambda folder: zipped(PICTURES),
    "a list": lambda folder: weights_file([torch.ones(1)]),
    "an empty dict": lambda folder: weights_file({}),
    "numbers": lambda folder: weights_file({"w": 1.0}),
    "truncated": lambda folder: weights_file({"w": torch.ones(999)})[:-500],
    "bomb": lambda folder: packed_weights(),
    "runs code": lambda folder: weights_file({"w": runs_code(folder / "ran")}),
}


def unpacked(make_archive: Callable[[], bytes], *flags: str) -> Callable[[Path], Callable[[], Any]]:
    """Installs the archive over an older folder, which must stay as it is."""

    def make(folder: Path):
        (folder / "archive").write_bytes(make_archive())
        (folder / OLD).parent.mkdir(parents=True)
        (folder / OLD).write_bytes(b"mine")
        out = ["--out", str(folder / "datasets"), "--file", str(folder / "archive")]
        return lambda: download.main(["cyclegan_dataset", "mini", "--force", *out, *flags])

    return make


def installed(make_weights: Callable[[Path], bytes]) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        (folder / "x.pth").write_bytes(make_weights(folder))
        out = ["--out", str(folder / "checkpoints"), "--file", str(folder / "x.pth")]

        def run() -> int:
            try:
                return download.main(["pix2pix_model", "map2sat", *out])
            finally:
                assert not (folder / "ran").exists(), "code of the file was run"

        return run

    return make


def asked(*words: str) -> Callable[[Path], Callable[[], Any]]:
    """Runs the downloader with these words; {out} is the folder."""
    return lambda folder: (
        lambda: download.main(["cyclegan_dataset", *(w.format(out=folder) for w in words)])
    )


def file_in_the_way(folder: Path):
    (folder / "datasets").write_text("mine")
    (folder / "archive").write_bytes(zipped(SAFE))
    words = ["--out", str(folder / "datasets"), "--file", str(folder / "archive")]
    return lambda: download.main(["cyclegan_dataset", "mini", *words])


NOWHERE = "http://127.0.0.1:1"
MESSAGES = {
    "unknown name": (asked("horses", "--out", "{out}"), "horses is not one of"),
    "name with a path": (asked("../mini", "--out", "{out}"), "../mini is not one of"),
    "no name": (asked(), "is not one of"),
    "archive missing": (asked("mini", "--out", "{out}", "--file", "{out}/no"), "--file"),
    "archive is a folder": (asked("mini", "--out", "{out}", "--file", "{out}"), "--file"),
    "wrong checksum": (unpacked(lambda: zipped(SAFE), "--sha256", "0" * 64), "sha256"),
    "checksum that is none": (unpacked(lambda: zipped(SAFE), "--sha256", "x"), "sha256"),
    "address of a file": (asked("mini", "--out", "{out}", "--base_url", "file:///etc"), "base URL"),
    "nobody there": (asked("mini", "--out", "{out}", "--base_url", NOWHERE, "--retries", "0"), "no connection"),
    "silence of no seconds": (asked("mini", "--out", "{out}", "--timeout", "0"), "--timeout"),
    "silence of NaN seconds": (asked("mini", "--out", "{out}", "--base_url", NOWHERE, "--retries", "0", "--timeout", "nan"), "--timeout"),
    "endless silence": (asked("mini", "--out", "{out}", "--base_url", NOWHERE, "--retries", "0", "--timeout", "inf"), "--timeout"),
    "retries that are no number": (asked("mini", "--retries", "x"), "--retries"),
    "file where the folder should be": (file_in_the_way, "datasets"),
}  # fmt: skip


KINDS = [
    *(BadInput("archive", name, unpacked(make), "mini is not there yet") for name, make in MADE.items()),
    *(BadInput("archive", f"weights: {k}", installed(m), "map2sat is not there yet") for k, m in WEIGHTS.items()),
    *(BadInput("archive", name, make, says) for name, (make, says) in MESSAGES.items()),
]  # fmt: skip
