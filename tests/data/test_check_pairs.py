"""Findings about pairs and about duplicates."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from conftest import picture
from helpers.doctor import aligned, clean_folders, clean_pairs, photo, save
from PIL import Image

from data.base_dataset import BaseDataset, Source
from data.checks import doctor
from data.checks.duplicates import fingerprint, near_matches
from options.base_options import DataOptions


class NumberedDataset(BaseDataset):
    """A user's own pairs: files of two folders in the order of their names."""

    def __init__(self, options, source) -> None:
        super().__init__(options, source)
        A, B = (self.list_images(self.root / f"{source.phase}{side}") for side in "AB")
        self._pairs = list(zip(A, B, strict=True))
        self.settle(A, B)

    def file_pairs(self) -> list[tuple[str, str]]:
        return self._pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def item(self, index, rng):
        A, B = self.read_pair(self._pairs[index], list(self.values.values()), rng)
        return {"A": A, "B": B, "A_paths": self._pairs[index][0], "B_paths": self._pairs[index][1]}


def test_pairs_of_a_data_set_of_ones_own_are_compared_like_ours(tmp_path) -> None:
    clean_folders(tmp_path, ("train",))
    (tmp_path / "trainB/3.png").rename(tmp_path / "trainB/4.png")
    save(tmp_path / "trainB/1.png", photo(1, 16, 20))
    options = DataOptions(dataroot=str(tmp_path), load_size=18, crop_size=16)
    split = doctor.read_split(NumberedDataset(options, Source()))
    assert not split.bad
    assert not any("counterpart" in found.text for found in doctor.shape_findings(split))
    (finding,) = (found for found in doctor.shape_findings(split) if "pairs" in found.text)
    assert str(finding).startswith("note: pairs whose files differ in size: 1 of 4")
    assert finding.files == (f"{tmp_path}/trainA/1.png = {tmp_path}/trainB/1.png",)


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
