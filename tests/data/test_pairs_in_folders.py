"""--dataset_mode aligned reads pairs from two folders, matched by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL, SMALL_TRAINING, picture, write_images
from helpers.data import dataset
from helpers.doctor import aligned, photo, save
from PIL import Image

import test as test_script
import train as train_script
from data.base_dataset import BadImage
from scripts.make_shards import main as make_shards
from util.errors import InputError

TINY = ["--model", "pix2pix", "--netG", "resnet_6blocks", "--norm", "instance"]


def folders(root: Path, phase: str = "train", count: int = 3) -> Path:
    """A as PNG and B as lossless WebP, partly in sub-folders."""
    for i in range(count):
        save(root / f"{phase}A/{'sub/' if i else ''}{i}.png", photo(i, 32, 32))
        path = root / f"{phase}B/{'sub/' if i else ''}{i}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(50 + i, 32, 32)).save(path, lossless=True)
    return root


def levels(image: torch.Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).numpy()


def test_files_are_paired_by_folder_and_name_whatever_their_extensions(tmp_path) -> None:
    pairs = dataset(folders(tmp_path), "aligned")
    assert len(pairs) == 3
    for i, item in enumerate(pairs[i] for i in range(3)):
        assert np.array_equal(levels(item["A"]), photo(i, 32, 32))
        assert np.array_equal(levels(item["B"]), photo(50 + i, 32, 32))
        assert Path(item["A_paths"]).name == f"{i}.png"
        assert Path(item["B_paths"]).name == f"{i}.webp"


def test_direction_swaps_the_files_with_their_channels(tmp_path) -> None:
    folders(tmp_path)
    item = dataset(tmp_path, "aligned", direction="BtoA", input_nc=1)[1]
    assert item["A"].shape[0] == 1
    assert np.array_equal(levels(item["B"]), photo(1, 32, 32))
    assert item["A_paths"].endswith("trainB/sub/1.webp")


def test_side_by_side_images_win_where_there_are_some(tmp_path) -> None:
    folders(tmp_path)
    (tmp_path / "train").mkdir()
    assert dataset(tmp_path, "aligned").sides_in_a_file == 1
    write_images(tmp_path / "train", 2, 32, 64)
    assert dataset(tmp_path, "aligned")[0]["B_paths"] == str(tmp_path / "train/000.png")


def test_both_files_get_the_same_crop_and_flip(tmp_path) -> None:
    save(tmp_path / "trainA/a.png", picture(1, 64, 64))
    save(tmp_path / "trainB/a.png", 255 - picture(1, 64, 64))
    flags = {"augment": True, "preprocess": "crop", "crop_size": 16, "no_flip": False}
    pairs = dataset(tmp_path, "aligned", **flags)
    for epoch in range(1, 20):
        item = pairs[epoch, 0]
        assert torch.equal(item["A"], 255 - item["B"])


def test_files_of_two_sizes_are_a_pair_only_where_resizing_makes_them_alike(tmp_path) -> None:
    save(tmp_path / "trainA/a.png", picture(1, 64, 64))
    save(tmp_path / "trainB/a.png", picture(1, 32, 32))
    item = dataset(tmp_path, "aligned", preprocess="resize_and_crop")[0]
    assert item["A"].shape == item["B"].shape == (3, 32, 32)
    bad = dataset(tmp_path, "aligned")[0]
    assert isinstance(bad, BadImage)
    assert "is 64x64 pixels after --preprocess none, its partner" in bad.reason
    assert "trainB/a.png 32x32" in bad.reason


def test_folders_without_a_common_name_are_refused(tmp_path) -> None:
    write_images(tmp_path / "trainA", 2)
    write_images(tmp_path / "trainB", 2, start=10)
    with pytest.raises(InputError, match=r"no names in common, such as 000.png and 010.png"):
        dataset(tmp_path, "aligned")


def test_two_files_of_one_name_are_refused(tmp_path) -> None:
    folders(tmp_path)
    save(tmp_path / "trainA/0.bmp", photo(0))
    with pytest.raises(InputError, match=r"0\.bmp and .*0\.png have one name"):
        dataset(tmp_path, "aligned")


def test_the_limit_counts_pairs(tmp_path) -> None:
    folders(tmp_path)
    save(tmp_path / "trainA/!first.png", photo(0))
    pairs = dataset(tmp_path, "aligned", max_dataset_size=2)
    assert [Path(pairs[i]["A_paths"]).stem for i in range(2)] == ["0", "1"]


def test_every_file_without_a_partner_is_reported(tmp_path, checked) -> None:
    folders(tmp_path)
    extra = [save(tmp_path / f"trainB/extra{i:02d}.png", photo(99)) for i in range(12)]
    report = checked(tmp_path, *aligned("--quick"))
    report.one("warning: files without a partner in the other folder, which are left out: 12")
    assert all(str(path) in report.text for path in extra)


def test_pairs_of_unequal_files_are_found(tmp_path, checked) -> None:
    for i in range(4):
        save(tmp_path / f"trainA/{i:02d}.png", photo(i))
        save(tmp_path / f"trainB/{i:02d}.png", photo(50 + i))
    save(tmp_path / "trainB/02.png", photo(2, 20, 20))
    report = checked(tmp_path, *aligned())
    assert any("whose files differ in size: 1 of 4" in finding for finding in report.findings)


def test_pairs_in_tars_are_those_in_files(tmp_path) -> None:
    folders(tmp_path / "files")
    make_shards(["--dataroot", str(tmp_path / "files"), "--out", str(tmp_path / "tars")])
    files, tars = (dataset(tmp_path / kind, "aligned") for kind in ("files", "tars"))
    assert len(tars) == len(files)
    for i in range(3):
        assert torch.equal(files[i]["A"], tars[i]["A"])
        assert torch.equal(files[i]["B"], tars[i]["B"])


def test_training_and_testing_read_two_folders(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for phase in ("train", "val", "test"):
        folders(tmp_path / "d", phase)
    save(tmp_path / "d/trainA/lonely.png", photo(1))
    save(tmp_path / "d/testB/alone.png", photo(1))
    run = ["--dataroot", "d", "--name", "r", *TINY]
    assert train_script.main([*run, *SMALL_TRAINING, "--val_freq", "1"]) == 0
    assert "lonely.png" in capsys.readouterr().out
    assert test_script.main([*run, *SMALL]) == 0
    assert "alone.png" in capsys.readouterr().out
    made = {path.name for path in (tmp_path / "results/r/test_latest/images").rglob("*.png")}
    assert made == {f"{i}_{name}.png" for i in range(3) for name in ("real_A", "fake_B", "real_B")}
