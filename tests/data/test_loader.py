"""Items to batches: order, sizes, processes, and images that cannot be used."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from conftest import write_images
from helpers.data import assert_same_batches, augmented_batches, dataset

from data.loading.collate import collate
from data.loading.loader import Loader
from data.loading.sampler import PositionSampler
from util.images.read import BadImage


def test_batches_do_not_depend_on_workers(unpaired) -> None:
    assert_same_batches(*(augmented_batches(unpaired, threads, "fork") for threads in (0, 2)))


def test_an_epoch_can_be_entered_in_the_middle(unpaired) -> None:
    loader = Loader(dataset(unpaired, "unaligned"), shuffle=True, seed=1)
    whole = [batch["A_paths"] + batch["B_paths"] for batch in loader.epoch(3)]
    rest = [batch["A_paths"] + batch["B_paths"] for batch in loader.epoch(3, start=4)]
    assert rest == whole[4:]
    assert loader.position == 6


def test_orders_differ_between_epochs_and_seeds_and_cover_everything() -> None:
    def order(epoch: int, seed: int) -> list[int]:
        sampler = PositionSampler(10, shuffle=True, seed=seed, rank=0, world_size=1)
        sampler.epoch = epoch
        return [position.item for position in sampler]

    assert sorted(order(1, 0)) == list(range(10))
    assert len({tuple(order(epoch, seed)) for epoch in (1, 2) for seed in (0, 1)}) == 4


def test_processes_share_an_epoch_without_repeats() -> None:
    shares = []
    for rank in range(3):
        sampler = PositionSampler(11, shuffle=True, seed=0, rank=rank, world_size=3)
        shares.append([position.item for position in sampler])
    assert [len(share) for share in shares] == [3, 3, 3]
    assert len({item for share in shares for item in share}) == 9


@pytest.mark.parametrize("threads", [0, 1])
def test_processes_that_need_not_keep_step_leave_nothing_out(paired, threads) -> None:
    items = dataset(paired, "aligned", max_dataset_size=5)
    for world_size in (2, 7):
        seen = []
        for rank in range(world_size):
            kind = {"rank": rank, "world_size": world_size, "num_threads": threads}
            loader = Loader(items, uneven=True, **kind)
            paths = [path for batch in loader.epoch(1) for path in batch["A_paths"]]
            assert len(paths) == len(loader) == loader.position
            seen += paths
        assert sorted(seen) == items.paths


def test_images_of_different_sizes_are_batched_apart(tmp_path) -> None:
    for i, side in enumerate((16, 16, 24, 16)):
        write_images(tmp_path, 1, side, side, start=i)
    loader = Loader(dataset(tmp_path, "single"), batch_size=4)
    assert [tuple(batch["A"].shape) for batch in loader.epoch(1)] == [
        (2, 3, 16, 16), (1, 3, 24, 24), (1, 3, 16, 16),
    ]  # fmt: skip


def test_a_bad_image_stops_with_its_path_or_is_skipped_and_listed(tmp_path) -> None:
    write_images(tmp_path, 5)
    (tmp_path / "002.png").write_bytes((tmp_path / "001.png").read_bytes()[:100])
    (tmp_path / "003.png").write_bytes(b"")
    items = dataset(tmp_path, "single")
    with pytest.raises(BadImage, match=r"002\.png: cannot be read as an image"):
        list(Loader(items).epoch(1))
    for threads in (0, 1):
        loader = Loader(items, batch_size=2, num_threads=threads, bad_images="skip")
        seen = [path for batch in loader.epoch(1) for path in batch["A_paths"]]
        assert [Path(path).name for path in seen] == ["000.png", "001.png", "004.png"]
        assert [Path(path).name for path in loader.skipped] == ["002.png", "003.png"]
        assert loader.position == 5


def test_entering_a_batch_of_several_sizes_in_its_middle_gives_the_rest_of_it(tmp_path) -> None:
    for i, side in enumerate((24, 16, 16, 16, 16, 16)):
        write_images(tmp_path, 1, side, side, start=i)
    (tmp_path / "002.png").write_bytes(b"nonsense")

    def batches(start: int) -> list[list[str]]:
        loader = Loader(dataset(tmp_path, "single"), batch_size=4, bad_images="skip")
        return [[path[-7:-4] for path in batch["A_paths"]] for batch in loader.epoch(1, start)]

    whole = [["000"], ["001", "003"], ["004", "005"]]
    assert batches(0) == whole
    assert batches(1) == whole[1:]
    assert batches(4) == whole[2:]


def test_an_error_in_a_data_set_of_ones_own_is_not_taken_for_a_dead_process(unpaired) -> None:
    items = dataset(unpaired, "unaligned")
    items.item = failing
    with pytest.raises(RuntimeError, match="my own mistake"):
        list(Loader(items, num_threads=1).epoch(1))


def failing(index: int, rng: random.Random) -> dict:
    raise RuntimeError("my own mistake")


def test_only_a_and_b_are_brought_into_the_networks_range() -> None:
    item = {
        "A": torch.full((1, 2, 2), 255, dtype=torch.uint8),
        "mask": torch.ones(2, dtype=torch.uint8),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "A_paths": "a",
    }
    (share,) = collate([item])
    batch = share.on(torch.device("cpu"))
    assert batch["A"].dtype == torch.float32
    assert (batch["A"] == 1).all()
    assert batch["mask"].tolist() == [[1, 1]]
    assert batch["half"].dtype == torch.bfloat16


def test_images_that_shared_memory_cannot_hold_are_loaded_without_it(
    tmp_path, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(Loader, "shared_memory_is_small", False)  # and again, after the test
    resource = pytest.importorskip("resource")
    for side in "AB":
        write_images(tmp_path / f"train{side}", 10, 200, 200)
    images = dataset(tmp_path, "unaligned", augment=True)
    expected = [batch["B"] for batch in Loader(images, shuffle=True).epoch(1)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    loader = Loader(images, shuffle=True, num_threads=2)
    try:  # a limit to files, which shared memory is made of
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        found = [batch["B"] for batch in loader.epoch(1)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        loader.close()
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "--shm-size" in warning
