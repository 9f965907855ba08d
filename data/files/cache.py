"""Decoded and resized images on disk, so that no epoch but the first decodes them (--cache)."""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
import torch
import torchvision

from data.transforms import Size
from util.images.tars import image_bytes, stamp

MAGIC = b"p2pimg1\n"  # parts are uint8
TYPED = b"p2pimg2\n"  # behind the shapes is a byte for each part: which of TYPES it is
TYPES = (torch.uint8, torch.float32)
HEADER = struct.Struct("<8sQIIQ")  # magic, checksum, original height and width, number of parts
SHAPE = struct.Struct("<IIQ")
# What decodes and resizes, and may do it otherwise in another version.
VERSIONS = (
    f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
)


class Resized(NamedTuple):
    """What a file holds, ready to be cropped.

    Attributes:
        size: of the file's image, or of each half of a pair, before resizing.
        parts: (C, H, W), uint8 or float32: the image, or both halves.
    """

    size: Size
    parts: list[torch.Tensor]


class ImageCache:
    """A folder of resized images, found by the content of their files and by what was done to them.

    Any number of processes and runs may share it: an entry is written beside and renamed, and one that is
    damaged, or belongs to a file that has changed, is made again. A folder that cannot be written to costs
    speed, and a warning from each process.
    """

    def __init__(self, folder: str, recipe: str) -> None:
        self.folder = Path(folder)
        self.recipe = f"{recipe}; {VERSIONS}".encode()
        self._digests: dict[str, tuple[int, int, str]] = {}  # path -> size, time, key
        self._writes = True

    def get(self, path: str, make: Callable[[], Resized]) -> Resized:
        """What `make` returns, from the folder if it is there."""
        try:
            entry = self._entry(path)
        except OSError:  # the reader has better words for what is wrong with a file
            return make()
        found = _read(entry)
        if found is None:
            found = make()
            self._write(entry, found)
        return found

    def _entry(self, path: str) -> Path:
        """Where the image of that file's content belongs; a file is read again only when it has changed."""
        now = stamp(path)
        known = self._digests.get(path)
        if known is None or known[:2] != now:
            digest = hashlib.blake2b(image_bytes(path), digest_size=16, salt=b"image")
            digest.update(self.recipe)
            known = *now, digest.hexdigest()
            self._digests[path] = known
        return self.folder / known[2][:2] / known[2][2:]

    def _write(self, entry: Path, image: Resized) -> None:
        if not self._writes:
            return
        beside = entry.with_name(f".{entry.name}.{uuid.uuid4().hex}.tmp")
        try:
            entry.parent.mkdir(exist_ok=True)
            beside.write_bytes(_to_bytes(image))
            os.replace(beside, entry)
        except OSError as error:
            self._writes = False
            logging.getLogger(__name__).warning(
                "--cache %s: no more images are kept (%s)", self.folder, error.strerror
            )
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _to_bytes(image: Resized) -> bytes:
    pixels = b"".join(part.contiguous().numpy().tobytes() for part in image.parts)
    shapes = b"".join(SHAPE.pack(*part.shape) for part in image.parts)
    types = bytes(TYPES.index(part.dtype) for part in image.parts)
    magic = TYPED if any(types) else MAGIC
    header = HEADER.pack(magic, _checksum(pixels), *image.size, len(image.parts))
    return header + shapes + (types if magic == TYPED else b"") + pixels


def _read(entry: Path) -> Resized | None:
    """None when there is no such entry, or it is not whole."""
    try:
        content = np.fromfile(entry, np.uint8)
    except OSError:
        return None
    if len(content) < HEADER.size:
        return None
    magic, checksum, height, width, count = HEADER.unpack(content[: HEADER.size].tobytes())
    shapes_end = HEADER.size + count * SHAPE.size
    start = shapes_end + (count if magic == TYPED else 0)
    if magic not in (MAGIC, TYPED) or len(content) < start:
        return None
    shapes = list(SHAPE.iter_unpack(content[HEADER.size : shapes_end].tobytes()))
    codes = content[shapes_end:start].tolist() if magic == TYPED else [0] * count
    if any(code >= len(TYPES) for code in codes):
        return None
    types = [TYPES[code] for code in codes]
    lengths = [c * h * w * t.itemsize for (c, h, w), t in zip(shapes, types, strict=True)]
    if len(content) != start + sum(lengths) or _checksum(content[start:]) != checksum:
        return None
    pieces = torch.from_numpy(content[start:]).split(lengths)
    parts = [
        # A copy where the piece does not begin where floats may.
        (piece if t == torch.uint8 else piece.clone()).view(t).view(shape)
        for piece, t, shape in zip(pieces, types, shapes, strict=True)
    ]
    return Resized((height, width), parts)


def _checksum(pixels: bytes | np.ndarray) -> int:
    """Finds blocks that a power cut has left empty; renaming alone does not wait for the disk."""
    words = np.frombuffer(pixels, np.uint64, count=len(pixels) // 8)
    return int(words.sum(dtype=np.uint64)) ^ int(np.frombuffer(pixels[-8:], np.uint8).sum())
