"""Randomness as a function of position, so that resuming or other worker counts cannot change it."""

from __future__ import annotations

import hashlib


def position_seed(*position: int | str) -> int:
    """A 63-bit seed for a position such as (seed, epoch, index); unrelated for neighbouring positions."""
    digest = hashlib.blake2b(repr(position).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
