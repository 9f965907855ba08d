"""The pictures that a source hands over, and how its items are shared out between train, val and test."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Item:
    """One pair of pictures, before it is drawn."""

    name: str  # file name without its ending
    group: str  # items of one group look alike or lie close: they stay in one split and on one side
    train_only: bool = False  # overlaps other items of its group, so it must not be scored


@dataclass(frozen=True)
class Pictures:
    items: list[Item]
    draw: Callable[[Item], tuple[Image.Image, Image.Image]]  # A and B, RGB, of one size
    licence: str  # full text, for LICENSE.txt


def share_out(groups: Iterable[str], shares: Mapping[str, float], salt: str) -> dict[str, str]:
    """Part of each group, so that each part comes near its share of the items.

    Groups are taken in the order of a hash: random-looking, but the same on every machine. Each
    goes to the part that lacks most.

    Args:
        groups: the group of every item, with repeats.
        shares: part -> fraction of the items; the fractions sum to 1.
    """
    sizes = Counter(groups)
    lacking = {part: share * sizes.total() for part, share in shares.items()}
    parts = {}
    for group in sorted(sizes, key=lambda g: hashlib.sha256(f"{salt}|{g}".encode()).digest()):
        parts[group] = max(lacking, key=lambda part: lacking[part])
        lacking[parts[group]] -= sizes[group]
    return parts


def join_alike(keys: list[str], thumbnails: list[np.ndarray], threshold: float) -> list[str]:
    """Group of each item; items are joined when they have one key or look alike.

    Joining is transitive: if a looks like b and b like c, all three are one group. A group is
    called after the first of its keys.

    Args:
        thumbnails: each (n, ...) in [0, 1], one array per domain; alike in one domain is enough.
        threshold: mean absolute difference below which two pictures look alike.
    """
    names, labels = np.unique(keys, return_inverse=True)
    for pictures in thumbnails:
        flat = pictures.reshape(len(keys), -1)
        for picture in flat:
            alike = np.abs(flat - picture).mean(axis=1) < threshold
            joined = np.unique(labels[alike])
            if len(joined) > 1:
                labels[np.isin(labels, joined)] = joined[0]
    return [str(name) for name in names[labels]]
