"""What the doctor says about halves that look swapped, and about duplicates."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from helpers.doctor import aligned, clean_folders, clean_pairs, photo, save
from PIL import Image

from data.checks import halves
from data.checks.duplicates import fingerprint, near_matches


def label_map(seed: int, side: int = 16) -> np.ndarray:
    """Areas of three colours."""
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 3, (2, 2)).repeat(side // 2, 0).repeat(side // 2, 1)
    return np.array([[0, 0, 200], [200, 0, 0], [0, 200, 0]], np.uint8)[areas]


def pairs_of_labels_and_photos(root: Path, swapped: tuple[int, ...]) -> None:
    for i in range(20):
        sides = [label_map(i), photo(i)]
        if i in swapped:
            sides.reverse()
        save(root / f"train/{i:02d}.png", np.concatenate(sides, axis=1))


def test_swapped_halves_are_listed(tmp_path, checked) -> None:
    pairs_of_labels_and_photos(tmp_path, swapped=(3, 11))
    report = checked(tmp_path, *aligned())
    warning = next(finding for finding in report.findings if finding.startswith("warning"))
    assert "look swapped: 2 of 20" in warning
    assert re.findall(r"train/(\d+)\.png$", report.text, re.M) == ["03", "11"]


@pytest.mark.parametrize(
    ("direction", "kinds"),
    [("AtoB", ("label maps", "photographs")), ("BtoA", ("photographs", "label maps"))],
)
def test_it_is_noted_what_is_translated_into_what(tmp_path, checked, direction, kinds) -> None:
    pairs_of_labels_and_photos(tmp_path, swapped=())
    note = checked(tmp_path, *aligned("--direction", direction)).one(
        f"note: with --direction {direction}"
    )
    assert re.search(rf"look like {kinds[0]}.* into what look like {kinds[1]}", note)


@pytest.mark.parametrize("count", [5, 15, 60, 200])
def test_no_pair_looks_swapped_where_the_sides_are_alike(count) -> None:
    for seed in range(5):
        start = 10_000 * seed
        left, right = (
            np.stack([halves.describe(photo(start + 500 * side + i)) for i in range(count)])
            for side in (0, 1)
        )
        assert halves.swapped(left, right) == []


def test_copies_between_splits_are_found(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    shutil.copy(tmp_path / "train/003.png", tmp_path / "test/copy.png")
    report = checked(tmp_path, *aligned())
    report.one("warning: images of test that are the same as images of train: 1 of 4")
    assert f"{tmp_path}/test/copy.png = {tmp_path}/train/003.png" in report.text
    assert report.status == 0


def test_copies_are_looked_for_in_the_folder_of_the_same_side(tmp_path, checked) -> None:
    clean_folders(tmp_path)
    shutil.copy(tmp_path / "trainA/1.png", tmp_path / "testB/other_side.png")
    assert checked(tmp_path, "--model", "cycle_gan").findings == []
    shutil.copy(tmp_path / "trainB/1.png", tmp_path / "testB/same_side.png")
    checked(tmp_path, "--model", "cycle_gan").one("warning: images of testB")


def test_copies_within_the_training_images_are_noted(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    shutil.copy(tmp_path / "train/003.png", tmp_path / "train/again.png")
    checked(tmp_path, *aligned()).one("note: images of train that are exact copies of others: 1")


def prints(*images: np.ndarray) -> dict:
    return {str(i): fingerprint(image, (image,)) for i, image in enumerate(images)}


@pytest.mark.parametrize("change", ["jpeg", "smaller", "mirrored"])
def test_near_duplicates_are_recognised(change, tmp_path) -> None:
    image = Image.fromarray(photo(1, 64, 64))
    if change == "jpeg":
        image.save(tmp_path / "a.jpg", quality=80)
        changed = np.asarray(Image.open(tmp_path / "a.jpg"))
    elif change == "smaller":
        changed = np.asarray(image.resize((48, 48), Image.Resampling.BICUBIC))
    else:
        changed = np.asarray(image)[:, ::-1]
    among = prints(*(photo(i, 64, 64) for i in range(4)))
    assert near_matches(prints(changed), among) == [("0", "1")]


def test_mirrored_pairs_are_recognised_half_by_half(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    mirrored = np.concatenate([photo(2)[:, ::-1], photo(1002)[:, ::-1]], axis=1)
    save(tmp_path / "val/mirrored.png", mirrored)
    checked(tmp_path, *aligned()).one(
        "warning: images of val that are nearly the same (or mirrored)"
    )


def test_blank_images_are_no_near_duplicates() -> None:
    white = np.full((32, 32, 3), 255, np.uint8)
    assert near_matches(prints(white - 1), prints(white, white - 2)) == []


def test_different_smooth_images_are_no_near_duplicates() -> None:
    ours, theirs = ([picture(i, 32, 32) for i in seeds] for seeds in (range(40), range(40, 80)))
    assert near_matches(prints(*ours), prints(*theirs)) == []
