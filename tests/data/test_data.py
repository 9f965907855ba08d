"""What each kind of data set makes of its folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture
from helpers.data import dataset
from PIL import Image

from data.transforms import to_network_range


def levels(image: torch.Tensor) -> np.ndarray:
    assert image.dtype == torch.uint8
    return image.permute(1, 2, 0).numpy()


def test_aligned_images_are_split_in_the_middle(paired) -> None:
    item = dataset(paired, "aligned")[0]
    whole = picture(0, 32, 64)
    assert np.array_equal(levels(item["A"]), whole[:, :32])
    assert np.array_equal(levels(item["B"]), whole[:, 32:])
    assert item["A_paths"] == item["B_paths"] == str(paired / "train/000.png")


def test_direction_swaps_the_halves(paired) -> None:
    there, back = dataset(paired, "aligned")[1], dataset(paired, "aligned", direction="BtoA")[1]
    assert torch.equal(there["A"], back["B"])
    assert torch.equal(there["B"], back["A"])


def test_direction_swaps_the_folders(unpaired) -> None:
    back = dataset(unpaired, "unaligned", direction="BtoA", serial_batches=True)
    assert back[0]["A_paths"] == str(unpaired / "trainB/100.png")
    assert back[0]["B_paths"] == str(unpaired / "trainA/000.png")
    assert len(back) == 6


def test_the_input_channels_belong_to_the_input_whatever_the_direction(paired, unpaired) -> None:
    for root, mode in ((paired, "aligned"), (unpaired, "unaligned")):
        for direction in ("AtoB", "BtoA"):
            item = dataset(root, mode, direction=direction, input_nc=1, output_nc=3)[0]
            assert (item["A"].shape[0], item["B"].shape[0]) == (1, 3)


def test_both_halves_get_the_same_crop_and_flip(tmp_path) -> None:
    half = picture(1, 64, 64)
    Path(tmp_path / "train").mkdir()
    Image.fromarray(np.concatenate([half, 255 - half], axis=1)).save(tmp_path / "train/a.png")
    pairs = dataset(
        tmp_path, "aligned", augment=True, preprocess="crop", crop_size=16, no_flip=False
    )
    seen = set()
    for epoch in range(1, 20):
        item = pairs[epoch, 0]
        assert torch.equal(item["A"], 255 - item["B"])
        seen.add(item["A"].numpy().tobytes())
    assert len(seen) > 15


def test_unaligned_walks_through_a_and_draws_b(unpaired) -> None:
    items = dataset(unpaired, "unaligned")
    paths = [[items[epoch, i]["B_paths"] for i in range(6)] for epoch in (1, 2)]
    assert [items[1, i]["A_paths"] for i in range(6)] == [
        str(unpaired / f"trainA/{i % 5:03d}.png") for i in range(6)
    ]
    assert paths[0] != paths[1]
    serial = dataset(unpaired, "unaligned", serial_batches=True)
    assert [serial[i]["B_paths"] for i in range(6)] == sorted({p for e in paths for p in e} | {
        str(unpaired / f"trainB/{100 + i}.png") for i in range(6)
    })  # fmt: skip


def test_single_reads_every_image_below_the_root(unpaired) -> None:
    items = dataset(unpaired, "single")
    assert len(items) == 17
    assert set(items[0]) == {"A", "A_paths", "number"}
    assert items[3]["number"] == 3


def test_colorization_gives_lightness_and_colour(tmp_path) -> None:
    (tmp_path / "train").mkdir()
    Image.new("RGB", (32, 32), (128, 128, 128)).save(tmp_path / "train/grey.png")
    item = dataset(tmp_path, "colorization", input_nc=1, output_nc=2)[0]
    assert item["A"].shape == (1, 32, 32)
    assert item["A"].mean().item() == pytest.approx(53.585 / 50 - 1, abs=1e-3)  # L* of grey 128
    assert item["B"].shape == (2, 32, 32)
    assert item["B"].abs().max() < 1e-3


def test_the_template_pairs_two_folders(unpaired) -> None:
    items = dataset(unpaired, "template", new_dataset_option=1.0)
    assert len(items) == 5
    assert torch.equal(
        items[2]["A"], to_network_range(torch.from_numpy(picture(2, 32, 32)).permute(2, 0, 1))
    )
    assert items[2]["B_paths"] == str(unpaired / "trainB/102.png")
