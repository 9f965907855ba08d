"""What a prepared data set holds, and what making it again does; nothing here needs a network."""

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import prepare
import pytest
from helpers.prepare import TILE, pixels, world_map
from PIL import Image
from sources import maps
from sources.catalogue import BASEMAP
from sources.items import Item, Pictures, join_alike, share_out
from sources.layout import FOLDERS, SPLITS, count_pictures, write_set

from util.download.packages import read_members
from util.errors import InputError


@pytest.fixture(scope="module")
def tiny_set(tiny, shop, tmp_path_factory) -> Path:
    """The small maps as a whole set; tests that change it make their own."""
    folder, _ = prepare.prepare(tiny, out=tmp_path_factory.mktemp("out"), size=TILE, cache=shop)
    return folder


def names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.png")}


def corners_in(folder: Path) -> np.ndarray:
    """(n, 2) top left corners, as the names of map tiles tell them."""
    return np.array([[int(n) for n in name.split("_")] for name in sorted(names(folder))])


def test_a_set_has_both_layouts_a_licence_and_a_manifest_that_counts_them(tiny_set):
    manifest = json.loads((tiny_set / "manifest.json").read_text())
    assert {path.name for path in tiny_set.iterdir()} == {*FOLDERS, "LICENSE.txt", "manifest.json"}
    assert manifest["counts"] == count_pictures(tiny_set)
    assert all(manifest["counts"].values())
    assert "MIT, for these small maps" in (tiny_set / "LICENSE.txt").read_text()


def test_a_is_the_left_half_and_b_the_right(tiny_set):
    for path in (tiny_set / "test").glob("*.png"):
        AB = pixels(path)
        assert AB.shape == (TILE, 2 * TILE, 3)
        assert (AB[:, :TILE] == pixels(tiny_set / "testA" / path.name)).all()
        assert (AB[:, TILE:] == pixels(tiny_set / "testB" / path.name)).all()
        assert AB[:, :TILE, 2].mean() < AB[:, TILE:, 2].mean()  # blue is about 68 in A, 108 in B


def test_both_halves_show_the_same_ground(tiny_set):
    for path in (tiny_set / "train").glob("*.png"):
        A, B = np.split(pixels(path), 2, axis=1)
        assert np.abs(A - B)[..., :2].mean() < 3  # longitude and latitude, but for JPEG's noise


def test_no_train_item_is_on_both_sides_and_none_is_lost(tiny_set):
    A, B = names(tiny_set / "trainA"), names(tiny_set / "trainB")
    assert not A & B
    assert names(tiny_set / "train") == A | B


@pytest.mark.parametrize("split", ["val", "test"])
def test_both_sides_of_val_and_test_hold_the_same_names(tiny_set, split):
    assert names(tiny_set / f"{split}A") == names(tiny_set / f"{split}B") == names(tiny_set / split)


def test_splits_are_near_their_shares(tiny_set):
    counts = count_pictures(tiny_set)
    total = sum(counts[split] for split in SPLITS)
    for split, share in SPLITS.items():
        assert counts[split] / total == pytest.approx(share, abs=0.08)
    assert counts["trainA"] / counts["train"] == pytest.approx(0.5, abs=0.1)


def test_tiles_of_val_and_test_overlap_no_other_tile(tiny_set):
    corners = {split: corners_in(tiny_set / split) for split in SPLITS}
    everything = np.concatenate(list(corners.values()))
    for split in ("val", "test"):
        for corner in corners[split]:
            overlapping = (np.abs(everything - corner) < TILE).all(axis=1)
            assert overlapping.sum() == 1  # itself


@pytest.mark.parametrize(("size", "few"), [(128, False), (64, True)])
def test_few_tiles_overlap_in_train_only_and_never_between_the_sides(tmp_path, size, few):
    world = world_map(5 * size, blue=60)
    items, draw = maps.tile_grid(
        world, world, size=size, latitudes=(-90, 90), keep=lambda A, B: True, few=few
    )
    write_set(tmp_path, Pictures(items, draw, licence=""), {"name": "large"})
    corners = {name: corners_in(tmp_path / name) for name in FOLDERS}

    def overlaps(one: str, other: str) -> int:
        gaps = np.abs(corners[one][:, None] - corners[other][None]).max(axis=-1)
        return int((gaps < size).sum())

    assert overlaps("train", "train") > len(corners["train"])
    assert overlaps("val", "val") == len(corners["val"])
    assert overlaps("test", "test") == len(corners["test"])
    pairs = [("train", "val"), ("train", "test"), ("val", "test"), ("trainA", "trainB")]
    assert [overlaps(*pair) for pair in pairs] == [0, 0, 0, 0]


def test_a_faded_map_is_computed_of_the_fresh_one(shop):
    members = read_members(shop / BASEMAP.file, BASEMAP.wanted)
    pictures = maps.faded2fresh([members], TILE)
    for A, B in map(pictures.draw, pictures.items):
        assert A.tobytes() == maps.fade(B).tobytes()


def test_a_set_with_too_few_pictures_is_refused(tmp_path):
    grey = Image.new("RGB", (4, 4))
    pictures = Pictures([Item("only", "group")], lambda item: (grey, grey), licence="")
    with pytest.raises(InputError, match=r"1 pictures are too few.*smaller --size"):
        write_set(tmp_path, pictures, {"name": "few"})


def test_sharing_out_does_not_depend_on_the_order_of_the_items():
    groups = [f"group {n % 40}" for n in range(300)]
    shuffled = random.Random(0).sample(groups, len(groups))
    assert share_out(groups, SPLITS, "salt") == share_out(shuffled, SPLITS, "salt")


def test_sharing_out_is_the_same_on_every_machine():
    # Recorded from the first version: another outcome would silently move test pictures into train.
    parts = share_out("abcdefghijklmnopqrst", SPLITS, "salt")
    assert "".join(g for g in sorted(parts) if parts[g] == "val") == "eg"
    assert "".join(g for g in sorted(parts) if parts[g] == "test") == "fno"


def test_items_that_look_alike_in_either_domain_are_joined_through_a_chain():
    grey = np.array([0.10, 0.11, 0.12, 0.90, 0.50])[:, None]
    other = np.array([0.00, 0.20, 0.40, 0.60, 0.605])[:, None]
    groups = join_alike(["e", "d", "c", "b", "a"], [grey, other], threshold=0.015)
    assert groups == ["c", "c", "c", "a", "a"]


def test_items_of_one_key_are_joined_however_different_they_look():
    assert join_alike(["x", "y", "x"], [np.array([[0.0], [0.5], [1.0]])], 0.1) == ["x", "y", "x"]


def test_making_a_set_twice_gives_the_same_pixels(tiny, tiny_set, shop, tmp_path):
    _, manifest = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    assert manifest == json.loads((tiny_set / "manifest.json").read_text())


def test_the_hash_sees_a_single_pixel(tmp_path):
    items = [Item(str(n), str(n)) for n in range(30)]
    hashes = []
    for last in ((0, 0, 0), (0, 0, 1)):
        folder = tmp_path / str(last)
        folder.mkdir()
        pictures = {item: Image.new("RGB", (2, 2)) for item in items}
        pictures[items[-1]].putpixel((1, 1), last)
        dots = Pictures(items, lambda item, B=pictures: (Image.new("RGB", (2, 2)), B[item]), "")
        hashes.append(write_set(folder, dots, {"name": "dots"})["pixels_sha256"])
    assert hashes[0] != hashes[1]


def test_a_set_that_is_there_is_left_alone(tiny, shop, tmp_path, capsys):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    capsys.readouterr()
    again = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=tmp_path / "no packages here")
    assert again == (folder, made)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert capsys.readouterr().out == f"{folder} is already there (--force makes it again).\n"


def test_force_makes_it_again(tiny, shop, tmp_path):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    lost = next((folder / "train").glob("*.png"))
    lost.unlink()
    with pytest.raises(InputError, match=r"its manifest says .* --force"):
        prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    assert prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop, force=True)[1] == made
    assert lost.is_file()
    assert os.listdir(tmp_path) == ["tiny"]


def test_a_set_of_another_recipe_is_not_taken_for_this_one(tiny, shop, tmp_path):
    prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    newer = replace(tiny, version=2)
    with pytest.raises(InputError, match="another version"):
        prepare.prepare(newer, out=tmp_path, size=TILE, cache=shop)


def test_another_size_goes_into_a_folder_of_its_own(tiny, shop, tmp_path):
    folder, _ = prepare.prepare(tiny, out=tmp_path, size=8, cache=shop)
    assert folder == tmp_path / "tiny_8"
    assert pixels(next((folder / "train").glob("*.png"))).shape == (8, 16, 3)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_the_user_is_never_touched(tiny, shop, tmp_path, force):
    (tmp_path / "tiny" / "train").mkdir(parents=True)
    (tmp_path / "tiny" / "train" / "mine.png").write_text("precious")
    with pytest.raises(InputError, match="not made by this tool"):
        prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop, force=force)
    assert (tmp_path / "tiny" / "train" / "mine.png").read_text() == "precious"


def interrupted(files, size: int) -> Pictures:
    """The recipe, with Ctrl-C at the fourth picture."""
    pictures = maps.relief2topo(files, size)
    fourth = pictures.items[3]

    def draw(item: Item) -> tuple[Image.Image, Image.Image]:
        if item == fourth:
            raise KeyboardInterrupt
        return pictures.draw(item)

    return replace(pictures, draw=draw)


def test_an_interrupted_making_leaves_nothing(tiny, shop, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(replace(tiny, recipe=interrupted), out=tmp_path, size=TILE, cache=shop)
    assert os.listdir(tmp_path) == []


def test_an_interrupted_making_again_leaves_the_old_set(tiny, shop, tmp_path):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    again = replace(tiny, recipe=interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(again, out=tmp_path, size=TILE, cache=shop, force=True)
    assert os.listdir(tmp_path) == ["tiny"]
    assert count_pictures(folder) == made["counts"]
