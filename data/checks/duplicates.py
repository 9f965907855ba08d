"""The same picture twice: exactly, or but for its file format, its size, some noise or mirroring."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

ROWS, COLUMNS = 16, 17  # a thumbnail; between its columns lie 16 x 16 differences
NOISE = 2.0  # grey levels between neighbours that count as no difference
FLAT = 6.0  # a thumbnail that varies by fewer levels has nothing to be recognised by
FAR = 40  # of 256 differences, how many may be others in what is compared more closely
ALIKE = 0.15  # how far the pixels of a near duplicate may be off, relative to how much they vary
CHUNK = 4096


class Fingerprint(NamedTuple):
    """The features that images are recognised by.

    Attributes:
        digest: of all pixels.
        thumbnails: uint8 (parts, 16, 17, 3): of the image, or of each half of a pair.
    """

    digest: bytes
    thumbnails: np.ndarray


def fingerprint(image: np.ndarray, parts: Sequence[np.ndarray]) -> Fingerprint:
    """Takes the fingerprint of a uint8 (H, W, 3) image and of the parts that may be mirrored each for itself."""
    shape = repr(image.shape).encode()
    digest = hashlib.blake2b(shape + np.ascontiguousarray(image).tobytes(), digest_size=16).digest()
    small = [Image.fromarray(p).resize((COLUMNS, ROWS), Image.Resampling.BILINEAR) for p in parts]
    return Fingerprint(digest, np.stack([np.asarray(thumbnail) for thumbnail in small]))


def exact_duplicates(prints: dict[str, Fingerprint]) -> list[tuple[str, str]]:
    """(path, first path with the same pixels)."""
    first: dict[bytes, str] = {}
    return [
        (path, first[one.digest])
        for path, one in prints.items()
        if first.setdefault(one.digest, path) != path
    ]


def exact_matches(
    prints: dict[str, Fingerprint], among: dict[str, Fingerprint]
) -> list[tuple[str, str]]:
    """(path, path in `among` with the same pixels)."""
    known = {one.digest: path for path, one in among.items()}
    return [(path, known[one.digest]) for path, one in prints.items() if one.digest in known]


def near_matches(
    prints: dict[str, Fingerprint], among: dict[str, Fingerprint]
) -> list[tuple[str, str]]:
    """(path, path in `among` of nearly the same picture, upright or mirrored), without exact matches.

    Images without anything to be recognised by, such as blank ones, match nothing.
    """
    exact = {path for path, _ in exact_matches(prints, among)}
    ours = [p for p, one in prints.items() if p not in exact and not blank(one.thumbnails)]
    theirs = [path for path, one in among.items() if not blank(one.thumbnails)]
    if not ours or not theirs:
        return []
    found: dict[str, str] = {}
    for start in range(0, len(ours), CHUNK):
        some = ours[start : start + CHUNK]
        upright = np.stack([prints[path].thumbnails for path in some])  # (N, parts, 16, 17, 3)
        for thumbnails in (upright, upright[:, :, :, ::-1]):
            for near, candidate in _nearest(thumbnails, theirs, among):
                path, other = some[near], theirs[candidate]
                if alike(thumbnails[near], among[other].thumbnails):
                    found.setdefault(path, other)
    return sorted(found.items())


def blank(thumbnails: np.ndarray) -> bool:
    """Tells whether no part of (parts, 16, 17, 3) shows anything."""
    return bool(variation(thumbnails).max() < FLAT)


def variation(thumbnails: np.ndarray) -> np.ndarray:
    """(parts, 16, 17, 3) -> (parts,): standard deviation over the places, in grey levels."""
    return thumbnails.astype(np.float32).std(axis=(1, 2)).mean(axis=-1)


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Tells whether all parts of two (parts, 16, 17, 3) agree, as far as they vary."""
    off = one.astype(np.float32) - other
    rms = np.sqrt((off**2).mean(axis=(1, 2, 3)))
    varies = np.minimum(variation(one), variation(other))
    return bool((rms <= np.maximum(ALIKE * varies, NOISE)).all())


def differences(thumbnails: np.ndarray) -> torch.Tensor:
    """(N, parts, 16, 17, 3) -> (N, parts * 256) of 1 where it gets brighter to the right, else -1."""
    grey = thumbnails.astype(np.float32).mean(axis=-1)
    brighter = np.diff(grey, axis=-1) > NOISE
    return torch.from_numpy(np.where(brighter, 1.0, -1.0).reshape(len(grey), -1)).float()


def _nearest(
    thumbnails: np.ndarray, theirs: Sequence[str], among: dict[str, Fingerprint], count: int = 3
) -> list[tuple[int, int]]:
    """(row, index of theirs): the few others that differ least, where they differ little enough."""
    bits = differences(thumbnails)
    least = bits.shape[1] - 2 * FAR * thumbnails.shape[1]  # the product is 256 - 2 x distance
    found = []
    for start in range(0, len(theirs), CHUNK):
        block = theirs[start : start + CHUNK]
        others = differences(np.stack([among[path].thumbnails for path in block]))
        best, index = (bits @ others.T).topk(min(count, len(block)), dim=1)
        for row, column in (best >= least).nonzero().tolist():
            found.append((row, start + int(index[row, column])))
    return found
