"""The order in which the items of an epoch are used, and the process that uses each; tars are read one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import torch
from torch.utils.data import Sampler

from data.base_dataset import PairPosition, Position
from util.images.tars import repeat_shards
from util.position_seed import position_seed

MIXED = 4  # shards whose items are shuffled together


class PositionSampler(Sampler[Position | PairPosition]):
    """The positions of one epoch for one process, from any point of the epoch on.

    Every process gets as many, unless `uneven`; the few items that do not divide are left out of this epoch,
    others in the next.

    Items that lie in tars (shards) come tar by tar, a few of them mixed at a time, each process its own.

    Args:
        uneven: nothing is left out, and some processes get one item more than others; for testing.
        shards: how many items, one after the other, lie in each tar; None: no tars.
        partners: the same for the images that go with the items in an order of their own, and start over where they
            are fewer; None: there are none, or not in tars.
    """

    def __init__(
        self,
        length: int,
        *,
        shuffle: bool,
        seed: int,
        rank: int,
        world_size: int,
        uneven: bool = False,
        shards: Sequence[int] | None = None,
        partners: Sequence[int] | None = None,
    ) -> None:
        self.length, self.shuffle, self.seed = length, shuffle, seed
        self.rank, self.world_size, self.uneven = rank, world_size, uneven
        self.shards, self.partners = shards, partners
        self.epoch, self.start = 1, 0

    @property
    def count(self) -> int:
        """Items of a whole epoch, for this process."""
        share, more = divmod(self.length, self.world_size)
        return share + (self.uneven and self.rank < more)

    def __len__(self) -> int:
        return max(0, self.count - self.start)

    def __iter__(self) -> Iterator[Position | PairPosition]:
        items = self._items()
        if not (self.partners and self.shuffle):
            for item in items[self.start :]:
                yield Position(self.epoch, item)
            return
        others = self._shard_order(repeat_shards(self.partners, self.length), "partners")
        number = sum(self.partners)
        for item, other in list(zip(items, others, strict=True))[self.start :]:
            yield PairPosition(self.epoch, item, other % number)

    def _items(self) -> list[int]:
        """This process's share of the epoch."""
        if self.shards and self.shuffle:
            return self._shard_order(self.shards, "items")
        if self.shuffle:
            generator = torch.Generator().manual_seed(position_seed(self.seed, self.epoch, "order"))
            order = torch.randperm(self.length, generator=generator).tolist()
        else:
            order = self._in_turn()
        if self.shards and not self.uneven:
            first, last = self._slice()
            return order[first:last]
        whole = self.length if self.uneven else self.length // self.world_size * self.world_size
        return order[self.rank : whole : self.world_size]

    def _in_turn(self) -> list[int]:
        """All items in listing order, beginning with what the epoch before left out."""
        left_out = 0 if self.uneven else self.length % self.world_size
        begin = (self.epoch - 1) * (self.length - left_out) % self.length if left_out else 0
        return [*range(begin, self.length), *range(begin)]

    def _shard_order(self, shards: Sequence[int], what: str) -> list[int]:
        return shard_order(shards, *self._slice(), (self.seed, self.epoch, what))

    def _slice(self) -> tuple[int, int]:
        """The ends of this process's share of an order that is cut into contiguous shares."""
        share, more = divmod(self.length, self.world_size)
        first = self.rank * share + (min(self.rank, more) if self.uneven else 0)
        return first, first + self.count


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
