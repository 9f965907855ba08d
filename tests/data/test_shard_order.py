"""Orders over tars: each process reads its own, one after the other, and nothing is repeated or forgotten."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise

import pytest
from helpers.data import assert_same_batches, augmented_batches, dataset
from helpers.tar import in_tars

from data.loading.loader import Loader
from data.loading.sampler import MIXED, PositionSampler, shard_order
from util.images.tars import repeat_shards, shard_lengths

SHARDS = [7, 5, 9, 1, 6, 8, 7, 3, 10, 4, 6, 7]  # 73 items


def order(
    shuffle: bool = True, epoch: int = 1, start: int = 0, rank: int = 0, world: int = 1, **kind
) -> list:
    kind = {"shards": SHARDS, **kind}
    length = kind.pop("length", sum(SHARDS))
    sampler = PositionSampler(length, shuffle=shuffle, seed=3, rank=rank, world_size=world, **kind)
    sampler.epoch, sampler.start = epoch, start
    positions = list(sampler)
    assert len(positions) == len(sampler)
    return positions


def items(**kind) -> list[int]:
    return [position.item for position in order(**kind)]


def shard_of(item: int) -> int:
    return bisect_right(list(accumulate(SHARDS)), item)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_all_processes_together_use_each_item_at_most_once_and_equally_many(shuffle, world) -> None:
    shares = [items(shuffle=shuffle, rank=rank, world=world) for rank in range(world)]
    assert {len(share) for share in shares} == {73 // world}
    assert len({item for share in shares for item in share}) == 73 // world * world


@pytest.mark.parametrize(
    "kind", [{}, {"shards": None}, {"shuffle": False}, {"shards": None, "shuffle": False}]
)
@pytest.mark.parametrize("world", [2, 3, 100])
def test_nothing_is_left_out_where_counts_may_differ_by_one(kind, world) -> None:
    shares = [items(rank=rank, world=world, uneven=True, epoch=2, **kind) for rank in range(world)]
    assert sorted(item for share in shares for item in share) == list(range(73))
    assert max(map(len, shares)) - min(map(len, shares)) == 1


def test_without_tars_an_uneven_deal_is_the_whole_order_in_turns() -> None:
    whole = items(shards=None)
    for rank in range(3):
        assert items(shards=None, rank=rank, world=3, uneven=True) == whole[rank::3]
        assert items(shards=None, rank=rank, world=3) == whole[rank:72:3]


@pytest.mark.parametrize("shards", [None, [4, 3, 4]])
@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_without_shuffling_every_item_is_used_equally_often_in_the_long_run(world, shards) -> None:
    used = [
        item
        for epoch in range(1, 12)
        for rank in range(world)
        for item in items(
            shuffle=False, length=11, epoch=epoch, rank=rank, world=world, shards=shards
        )
    ]
    assert {used.count(item) for item in range(11)} == {11 // world * world}
    assert items(shuffle=False, length=11, epoch=5, shards=shards) == list(range(11))


def test_what_one_epoch_leaves_out_begins_the_next() -> None:
    shares = [
        items(shuffle=False, length=11, shards=None, epoch=2, rank=rank, world=3)
        for rank in range(3)
    ]
    assert shares == [[9, 1, 4], [10, 2, 5], [0, 3, 6]]


@pytest.mark.parametrize("world", [2, 3, 4])
def test_a_process_opens_its_own_tars_and_those_on_its_cuts(world) -> None:
    for epoch in (1, 2, 3):
        opened = [
            {shard_of(i) for i in items(rank=rank, world=world, epoch=epoch)}
            for rank in range(world)
        ]
        assert sum(map(len, opened)) <= len(SHARDS) + world - 1
        assert len(set.union(*opened)) >= len(SHARDS) - 1


def test_few_tars_are_read_at_a_time() -> None:
    seen = [shard_of(item) for item in items()]
    spans = [(seen.index(shard), len(seen) - seen[::-1].index(shard)) for shard in set(seen)]
    for at in range(len(seen)):
        assert sum(begin <= at < end for begin, end in spans) <= MIXED
    assert sum(one != other for one, other in pairwise(seen)) > 2 * len(SHARDS)


def test_orders_depend_on_epoch_and_seed_alone_and_can_be_entered_anywhere() -> None:
    for kind in ({}, {"rank": 1, "world": 3}, {"partners": [4, 4]}):
        whole = order(epoch=2, **kind)
        assert order(epoch=2, **kind) == whole
        assert order(epoch=2, start=10, **kind) == whole[10:]
        assert order(epoch=3, **kind) != whole
    assert shard_order(SHARDS, 0, 73, (1,)) != shard_order(SHARDS, 0, 73, (2,))


@pytest.mark.parametrize("shards", [SHARDS, None])
@pytest.mark.parametrize("partners", [[4, 5, 2], [8] * 9 + [1]])
def test_partners_go_tar_by_tar_too_and_each_as_often_as_others(shards, partners) -> None:
    used: list[int] = []
    for rank in (0, 1):
        share = order(shards=shards, partners=partners, rank=rank, world=2, uneven=True)
        used += [position.partner for position in share]
    counts = [used.count(partner) for partner in range(sum(partners))]
    assert max(counts) - min(counts) <= 1
    assert used != sorted(used)


def test_shards_start_over_and_the_last_one_is_cut() -> None:
    assert repeat_shards([3, 2], 9) == [3, 2, 3, 1]
    assert repeat_shards([3, 2], 5) == [3, 2]
    assert repeat_shards([3, 2], 2) == [2]


def test_paths_in_one_tar_are_a_shard_and_so_are_files_between_tars(tmp_path) -> None:
    for name in ("b.tar", "c.tar"):
        (tmp_path / name).touch()
    names = [
        "a.png",
        "a2.png",
        "b.tar/1.png",
        "b.tar/2.png",
        "b.tar/3.png",
        "b2.png",
        "c.tar/x/1.png",
        "d.png",
    ]
    assert shard_lengths([str(tmp_path / name) for name in names]) == [2, 3, 1, 1, 1]
    assert shard_lengths([str(tmp_path / name) for name in names[:2]]) is None
    assert shard_lengths([]) is None


@pytest.mark.parametrize("threads", [0, 2])
def test_batches_from_tars_do_not_depend_on_workers_or_where_they_are_entered(
    threads, unpaired, tmp_path
) -> None:
    out = in_tars(unpaired, tmp_path / "shards")
    whole = augmented_batches(out, 0, epochs=[2])
    assert sorted(path for batch in whole for path in batch["B_paths"]) == [
        str(out / f"trainB/{i // 2:06d}.tar/{100 + i}.png") for i in range(6)
    ]
    rest = augmented_batches(out, threads, "fork" if threads else None, epochs=[2], start=2)
    assert_same_batches(whole[1:], rest)


def test_one_side_may_lie_in_tars_and_the_other_in_files(unpaired, tmp_path) -> None:
    tars = in_tars(unpaired, tmp_path / "shards")
    for packed, plain in ("AB", "BA"):
        root = tmp_path / packed
        root.mkdir()
        (root / f"train{packed}").symlink_to(tars / f"train{packed}")
        (root / f"train{plain}").symlink_to(unpaired / f"train{plain}")
        batches = list(Loader(dataset(root, "unaligned"), shuffle=True, seed=1).epoch(1))
        assert len(batches) == 6
        assert all(".tar/" in batch[f"{packed}_paths"][0] for batch in batches)
        assert not any(".tar/" in batch[f"{plain}_paths"][0] for batch in batches)
        larger = {batch["B_paths"][0] for batch in batches}
        assert len(larger) == 6 or packed == "A"
