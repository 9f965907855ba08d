"""--augment and --crops_per_image: random changes of training images, the same for both images of a pair."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
import tifffile
import torch
from conftest import picture, write_images
from helpers.data import dataset
from helpers.doctor import save
from helpers.tar import in_tars
from PIL import Image

from data.loading.loader import Loader
from data.transforms import Preprocess

ALL = "rot90,flip,scale"


def preprocess(*augmentations: str, size: int = 40, crop=(32, 32), **more) -> Preprocess:
    return Preprocess("resize_and_crop", (size, size), crop, augmentations=augmentations, **more)


def outcomes(preprocess: Preprocess, image: torch.Tensor, draws: int = 200) -> Counter[bytes]:
    sampled = (preprocess.sample(image, random.Random(seed)) for seed in range(draws))
    return Counter(draw.pixels(image).contiguous().numpy().tobytes() for draw in sampled)


def symmetries(image: torch.Tensor) -> set[bytes]:
    turned = [image.rot90(turns, (1, 2)) for turns in range(4)]
    return {one.contiguous().numpy().tobytes() for each in turned for one in (each, each.flip(-1))}


@pytest.mark.parametrize("names", [("rot90",), ("rot90", "flip")])
def test_quarter_turns_and_the_mirror_make_the_eight_symmetries_of_a_square(names) -> None:
    image = torch.arange(4, dtype=torch.uint8).view(1, 2, 2)
    found = outcomes(preprocess(*names, size=2, crop=(2, 2)), image, draws=800)
    assert found.keys() == symmetries(image)
    assert min(found.values()) > 60  # of 100


def test_flip_exchanges_top_and_bottom_of_half_of_the_images() -> None:
    image = torch.arange(4, dtype=torch.uint8).view(1, 2, 2)
    found = outcomes(preprocess("flip", size=2, crop=(2, 2), flip=False), image)
    assert found.keys() == {bytes([0, 1, 2, 3]), bytes([2, 3, 0, 1])}
    assert 80 < found[bytes([0, 1, 2, 3])] < 120


def test_scale_stretches_a_ramp_by_0_9_to_1_1() -> None:
    ramp = torch.linspace(-1, 1, 81).expand(1, 81, 81)
    scales = preprocess("scale", size=81, flip=False)
    slopes = []
    for seed in range(200):
        out = scales.sample_for((81, 81), random.Random(seed)).cropped(ramp)
        assert out.shape == (1, 32, 32)
        slopes.append((out[0, 16, 20] - out[0, 16, 12]).item() / 8 * 40)
    # Crops are of whole pixels, 29 to 36 of them.
    assert 29 / 32 - 1e-3 <= min(slopes) < 0.94
    assert 1.08 < max(slopes) <= 36 / 32 + 1e-3


def test_scale_only_enlarges_where_the_crop_is_all_of_the_image() -> None:
    scales = preprocess("scale", size=32)
    crops = {scales.sample_for((50, 60), random.Random(seed)).crop for seed in range(100)}
    assert crops == {(side, side) for side in (29, 30, 31, 32)}


def test_an_oblong_crop_keeps_its_sides_and_is_turned_on_its_side_only_where_it_fits() -> None:
    image = torch.zeros(3, 70, 70, dtype=torch.uint8)
    for size, turns in (((70, 70), {0, 1, 2, 3}), ((40, 70), {0, 2})):
        turn = Preprocess("resize_and_crop", size, (32, 64), augmentations=("rot90", "scale"))
        draws = [turn.sample(image, random.Random(seed)) for seed in range(100)]
        assert {draw.turns for draw in draws} == turns
        assert {draw.pixels(image).shape[1:] for draw in draws} == {(32, 64)}


@pytest.mark.parametrize("mode", ["none", "scale_width"])
def test_images_that_are_not_cropped_keep_their_sizes(mode) -> None:
    image = torch.zeros(3, 24, 36, dtype=torch.uint8)
    for seed in range(50):
        changes = Preprocess(mode, (36, 36), (0, 0), augmentations=("rot90", "flip", "scale"))
        assert changes.sample(image, random.Random(seed)).pixels(image).shape == (3, 24, 36)


def test_both_images_of_a_pair_change_in_the_same_way(tmp_path) -> None:
    image = picture(1, 64, 64)
    save(tmp_path / "folders/trainA/a.png", image)
    save(tmp_path / "folders/trainB/a.png", 255 - image)
    (tmp_path / "halves/train").mkdir(parents=True)
    Image.fromarray(np.concatenate([image, 255 - image], 1)).save(tmp_path / "halves/train/a.png")
    flags = {"preprocess": "crop", "crop_size": 16, "no_flip": False}
    for root in ("folders", "halves"):
        pairs = dataset(tmp_path / root, "aligned", augment=True, augmentations=ALL, **flags)
        seen = set()
        for epoch in range(1, 20):
            item = pairs[epoch, 0]
            # Bicubic weights are not quite symmetric in whole numbers.
            sum_of_both = item["A"].int() + item["B"].int()
            assert (sum_of_both - 255).abs().max() <= 1
            seen.add(item["A"].contiguous().numpy().tobytes())
        assert len(seen) == 19


def test_both_images_of_unpaired_data_draw_their_own(tmp_path) -> None:
    for side in "AB":
        save(tmp_path / f"train{side}/a.png", picture(1, 32, 32))
    items = dataset(tmp_path, "unaligned", augment=True, augmentations="rot90", multiple=1)
    same = [torch.equal(items[epoch, 0]["A"], items[epoch, 0]["B"]) for epoch in range(40)]
    assert 1 <= sum(same) <= 25  # of 40, where 1 in 4 is alike by chance


def test_a_scaled_label_map_holds_no_class_that_was_not_there(tmp_path) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[::2] = 9
    save(tmp_path / "trainA/a.png", labels)
    save(tmp_path / "trainB/a.png", picture(1, 64, 64))
    flags = {"input_nc": 12, "labels": 12, "preprocess": "crop"}
    maps = dataset(tmp_path, "aligned", augment=True, augmentations=ALL, **flags)
    for epoch in range(1, 10):
        pixels_of_class = maps[epoch, 0]["A"].sum((1, 2))
        assert pixels_of_class[[0, 9]].sum() == pixels_of_class.sum()


def test_pixels_without_data_take_little_with_them_when_an_image_is_scaled(tmp_path) -> None:
    array = np.full((64, 64), 5, np.float32)
    array[:, 32] = np.nan
    (tmp_path / "train").mkdir()
    tifffile.imwrite(tmp_path / "train/a.tif", array)
    flags = {"preprocess": "crop", "input_nc": 1, "range_A": "0,10", "nodata": "nan"}
    items = dataset(tmp_path / "train", "single", augment=True, augmentations="scale", **flags)
    missing = set()
    for epoch in range(20):
        item = items[epoch, 0]
        assert item["A"].abs().max() < 1e-6
        missing.add((~item["A_valid"]).sum().item())
    assert missing <= {32 * columns for columns in range(4)}
    assert len(missing) > 1


def test_images_are_tested_as_they_are(paired) -> None:
    plain, flagged = (
        dataset(paired, "aligned", preprocess="crop", crop_size=16, **flags)
        for flags in ({}, {"augmentations": ALL, "crops_per_image": 5})
    )
    assert len(Loader(plain)) == len(Loader(flagged)) == 6
    for one, other in zip(Loader(plain).epoch(1), Loader(flagged).epoch(1), strict=True):
        assert torch.equal(one["A"], other["A"])


def test_an_epoch_takes_so_many_different_crops_of_each_image(paired, unpaired, tmp_path) -> None:
    flags = {"preprocess": "crop", "crop_size": 16, "augment": True, "crops_per_image": 4}
    for root, mode in ((paired, "aligned"), (unpaired, "unaligned")):
        for place in (root, in_tars(root, tmp_path / mode)):
            loader = Loader(dataset(place, mode, **flags), shuffle=True, seed=1)
            assert len(loader) == 24
            batches = list(loader.epoch(2))
            taken = Counter(path for batch in batches for path in batch["A_paths"])
            assert sum(taken.values()) == 24
            assert min(taken.values()) == 4
            assert len({batch["A"].numpy().tobytes() for batch in batches}) > 20
            rest = [batch["A"] for batch in loader.epoch(2, start=10)]
            assert all(
                torch.equal(one, batch["A"]) for one, batch in zip(rest, batches[10:], strict=True)
            )


def test_every_image_is_looked_at_once_by_those_who_count_items(tmp_path) -> None:
    write_images(tmp_path / "train", 3, 32, 64)
    flags = {"preprocess": "crop", "crop_size": 16, "augment": True, "crops_per_image": 4}
    items = dataset(tmp_path, "aligned", **flags)
    assert [items[i]["A_paths"] for i in range(len(items))] == items.paths
