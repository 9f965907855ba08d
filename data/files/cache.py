"""Decoded and resized images on disk, so that no epoch but the first decodes them (--cache)."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import struct
import uuid
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision

from data.transforms import Size
from util.images.tars import image_bytes, stamp

MAGIC = b"p2pimg3\n"  # parts are uint8
TYPED = b"p2pimg4\n"  # behind the shapes is a byte for each part: which of TYPES it is
TYPES = (torch.uint8, torch.float32)
HEADER = struct.Struct("<8sQIIQ")  # magic, checksum, original height and width, number of parts
SHAPE = struct.Struct("<IIQ")
# Of the libraries that decode and resize, and may do it otherwise in another version.
VERSIONS = (
    f"torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
)


Image = tuple[Size, Sequence[torch.Tensor]]  # height and width before resizing; parts (C, H, W)


class ImageCache:
    """A folder of resized images, keyed by the content of their files and by the recipe that was applied.

    Any number of processes and runs may share it: an entry is written beside and renamed, and one that is
    damaged, or belongs to a file that has changed, is made again. A folder that cannot be written to costs
    speed, and a warning from each process.
    """

    def __init__(self, folder: str, recipe: str) -> None:
        self.folder = Path(folder)
        self.recipe = f"{recipe}; {VERSIONS}".encode()
        self._digests: dict[str, tuple[int, int, str]] = {}  # path -> size, time, key
        self._writes = True

    def get(self, path: str, make: Callable[[], Image]) -> Image:
        """Returns the image in the folder, or that of `make`, and keeps it."""
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
        """Finds the place of an image by its file's content; a file is read again only when it has changed."""
        now = stamp(path)
        known = self._digests.get(path)
        if known is None or known[:2] != now:
            digest = hashlib.blake2b(image_bytes(path), digest_size=16, salt=b"image")
            digest.update(self.recipe)
            known = *now, digest.hexdigest()
            self._digests[path] = known
        return self.folder / known[2][:2] / known[2][2:]

    def _write(self, entry: Path, image: Image) -> None:
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


def _to_bytes(image: Image) -> bytes:
    size, parts = image
    pixels = b"".join(part.contiguous().numpy().tobytes() for part in parts)
    shapes = b"".join(SHAPE.pack(*part.shape) for part in parts)
    types = bytes(TYPES.index(part.dtype) for part in parts)
    magic, types = (TYPED, types) if any(types) else (MAGIC, b"")
    unsigned = HEADER.pack(magic, 0, *size, len(parts)) + shapes + types
    checksum = _checksum(unsigned, pixels)
    return HEADER.pack(magic, checksum, *size, len(parts)) + shapes + types + pixels


def _read(entry: Path) -> Image | None:
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
    described = content[HEADER.size : start].tobytes()
    unsigned = HEADER.pack(magic, 0, height, width, count) + described
    if _checksum(unsigned, content[start:]) != checksum:
        return None
    shapes = SHAPE.iter_unpack(described[: count * SHAPE.size])
    codes = described[count * SHAPE.size :] or bytes(count)
    parts = []
    for shape, code in zip(shapes, codes, strict=True):
        kind = TYPES[code]
        end = start + math.prod(shape) * kind.itemsize
        piece = torch.from_numpy(content[start:end])
        # A copy where the piece does not begin where floats may.
        parts.append((piece if code == 0 else piece.clone()).view(kind).view(shape))
        start = end
    return (height, width), parts


def _checksum(header: bytes, pixels: bytes | np.ndarray) -> int:
    """Finds damage, such as blocks that a power cut has left empty; renaming alone does not wait for the disk."""
    words = np.frombuffer(pixels, np.uint64, count=len(pixels) // 8)
    total = int(words.sum(dtype=np.uint64)) ^ int(np.frombuffer(pixels[-8:], np.uint8).sum())
    return total ^ zlib.crc32(header)
