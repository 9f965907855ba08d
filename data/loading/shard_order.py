"""Orders in which tars are read one after the other, and which share them out among processes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, cycle, pairwise

import torch

from util.position_seed import position_seed

MIXED = 4  # shards whose items are shuffled together


def repeated(lengths: Sequence[int], total: int) -> list[int]:
    """Shards of `total` items, where the given ones start over as often as it takes, the last one cut."""
    found, left = [], total
    for length in cycle(lengths):
        if left <= 0:
            break
        found.append(min(length, left))
        left -= length
    return found


def shard_order(
    lengths: Sequence[int], first: int, last: int, seed: tuple[int | str, ...]
) -> list[int]:
    """Places first to last - 1 of a random order of all items, in which a shard's items are together.

    The places themselves are then mixed, a few shards at a time, so that what the caller gets of a shard depends on
    its cut, and how it is mixed on no other process.

    Args:
        lengths: items of each shard; item numbers run through shard after shard.
        seed: words that the order depends on.
    """
    starts = [0, *accumulate(lengths)]
    shards = _permutation(len(lengths), *seed, "shards").tolist()
    places = [0, *accumulate(lengths[shard] for shard in shards)]
    pieces = []
    for shard, (begin, end) in zip(shards, pairwise(places), strict=True):
        if begin < last and end > first:
            within = _permutation(lengths[shard], *seed, "shard", shard) + starts[shard]
            pieces.append(within[max(0, first - begin) : last - begin])
    order: list[int] = []
    for group in range(0, len(pieces), MIXED):
        items = torch.cat(pieces[group : group + MIXED])
        order += items[_permutation(len(items), *seed, "mixed", first, group)].tolist()
    return order


def _permutation(length: int, *seed: int | str) -> torch.Tensor:
    return torch.randperm(length, generator=torch.Generator().manual_seed(position_seed(*seed)))
