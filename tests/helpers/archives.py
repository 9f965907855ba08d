"""Archives, honest and hostile, made on the spot."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import tempfile
import zipfile

PICTURES = {
    f"mini/train{side}/{i}.jpg": random.Random(i).randbytes(40_000)
    for side in "AB"
    for i in range(2)
}


def zipped(files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(files, *odd: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info in odd:
            archive.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue(), 1)


def odd(name: str, kind: bytes, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


SAFE = {"mini/a.jpg": b"picture"}


OUTSIDE = os.path.join(tempfile.gettempdir(), f"written-by-an-archive-{os.getpid()}")


def zipped_link(target: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("mini/link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, target)
        archive.writestr("mini/link/x", b"out")
    return file.getvalue()


def claimed(kind: bytes, size: int) -> bytes:
    """A tar.gz of one header that promises size bytes, and none of them."""
    return gzip.compress(odd("mini/zeros", kind, size=size).tobuf() + bytes(4096))


HOSTILE = {
    "tar parent": lambda: tarred({**SAFE, "mini/../../out": b""}),
    "tar absolute": lambda: tarred({**SAFE, OUTSIDE: b""}),
    "tar windows drive": lambda: tarred({**SAFE, "C:out": b""}),
    "tar backslash": lambda: tarred({**SAFE, "mini\\..\\..\\out": b""}),
    "tar link out, then through it": lambda: tarred(
        {"mini/link/out": b"x"}, odd("mini/link", tarfile.SYMTYPE, "../..")
    ),
    "tar absolute link": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, "/etc/passwd")),
    "tar hard link out": lambda: tarred(SAFE, odd("mini/link", tarfile.LNKTYPE, "../secret")),
    "tar link to a folder": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, ".")),
    "tar link to nothing": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, "none")),
    "tar device": lambda: tarred(SAFE, odd("mini/null", tarfile.CHRTYPE)),
    "tar pipe": lambda: tarred(SAFE, odd("mini/pipe", tarfile.FIFOTYPE)),
    "tar same name twice": lambda: tarred(SAFE, odd("mini/a.jpg", tarfile.REGTYPE)),
    "tar of a terabyte": lambda: claimed(tarfile.REGTYPE, 1 << 40),
    "tar cut inside gzip": lambda: tarred(PICTURES)[:-5000],
    "tar cut before gzip": lambda: gzip.compress(gzip.decompress(tarred(PICTURES))[:100_000]),
    "tar without its end": lambda: gzip.compress(gzip.decompress(tarred(SAFE))[:1024]),
    "tar damaged header": lambda: gzip.compress(
        gzip.decompress(tarred({"mini/a": b"a" * 512, "mini/b": b"b" * 512})).replace(
            b"mini/b", b"mini/c"
        )
    ),
    "tar wrong checksum": lambda: tarred(PICTURES)[:-8] + bytes(8),
    "tar without files": lambda: tarred({}),
    "zip parent": lambda: zipped({**SAFE, "mini/../../out": b""}),
    "zip absolute": lambda: zipped({**SAFE, OUTSIDE: b""}),
    "zip link out, then through it": lambda: zipped_link("../.."),
    "zip bomb": lambda: zipped({**SAFE, "mini/zeros": bytes(2 << 20)}),
    "zip cut": lambda: zipped(PICTURES)[:-200],
    "zip without files": lambda: zipped({}),
    "empty": lambda: b"",
}
