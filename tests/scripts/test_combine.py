"""datasets/combine_A_and_B.py and datasets/make_dataset_aligned.py: pairs out of two folders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import combine_A_and_B
import make_dataset_aligned
import numpy as np
import pytest
from conftest import picture, write_images
from helpers.runs import ROOT
from PIL import Image

from data import Source, create_dataset
from data.aligned_dataset import AlignedDataset
from data.base_dataset import DataOptions
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def combine(root: Path, *flags: str) -> int:
    words = [f"--fold_{side}={root / side}" for side in ("A", "B", "AB")]
    return combine_A_and_B.main([*words, *flags])


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A and B, each with train (3) and val (2); other pictures in B."""
    for side, start in (("A", 0), ("B", 50)):
        for split, count in (("train", 3), ("val", 2)):
            write_images(tmp_path / side / split, count, start=start)
    for path in sorted((tmp_path / "B").rglob("*.png")):
        path.rename(path.with_name(f"{int(path.stem) - 50:03d}.png"))
    return tmp_path


def test_A_is_the_left_half_and_B_the_right_of_the_same_name(folders) -> None:
    assert combine(folders) == 0
    assert files(folders / "AB") == [
        *(f"train/{n:03d}.png" for n in range(3)),
        *(f"val/{n:03d}.png" for n in range(2)),
    ]
    image = pixels(folders / "AB/train/001.png")
    assert (image[:, :32] == picture(1, 32, 32)).all()
    assert (image[:, 32:] == picture(51, 32, 32)).all()


def test_what_is_made_is_what_training_reads(folders) -> None:
    combine(folders)
    options = DataOptions(dataroot=str(folders / "AB"), dataset_mode="aligned", preprocess="none")
    dataset = create_dataset(options, Source(phase="val", augment=False))
    assert isinstance(dataset, AlignedDataset)
    assert len(dataset) == 2


def test_names_with_A_and_B_are_joined_on_request(tmp_path) -> None:
    for side in "AB":
        write_images(tmp_path / side, 2)
        for path in (tmp_path / side).iterdir():
            path.rename(path.with_name(f"{path.stem}_{side}.png"))
    with pytest.raises(InputError, match="no image has the same name.*--use_AB joins"):
        combine(tmp_path)
    combine(tmp_path, "--use_AB", "--no_multiprocessing")
    assert files(tmp_path / "AB") == ["000.png", "001.png"]


def test_num_imgs_counts_in_each_split(folders) -> None:
    combine(folders, "--num_imgs", "1")
    assert files(folders / "AB") == ["train/000.png", "val/000.png"]


def test_jpeg_is_written_only_where_both_halves_were_jpeg_or_on_request(folders) -> None:
    for side in "AB":
        path = folders / side / "train/000.png"
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    path = folders / "A/train/001.png"
    Image.open(path).save(path.with_suffix(".JPEG"))
    path.unlink()
    combine(folders)
    assert files(folders / "AB/train") == ["000.jpg", "001.png", "002.png"]
    with pytest.raises(InputError, match=r"AB/train holds other images, such as 001\.png"):
        combine(folders, "--format", "jpg")


def test_16_bits_and_grey_are_kept_where_both_halves_have_them(tmp_path) -> None:
    for side, value in (("A", 40000), ("B", 5)):
        (tmp_path / side).mkdir()
        Image.fromarray(np.full((4, 6), value, np.uint16)).save(tmp_path / side / "deep.png")
        Image.fromarray(np.full((4, 6), value % 200, np.uint8)).save(tmp_path / side / "grey.png")
    Image.fromarray(np.full((4, 6), 65535, np.uint16)).save(tmp_path / "A/mixed.png")
    Image.fromarray(np.full((4, 6, 3), 7, np.uint8)).save(tmp_path / "B/mixed.png")
    combine(tmp_path)
    deep, grey, mixed = (pixels(tmp_path / f"AB/{n}.png") for n in ("deep", "grey", "mixed"))
    assert (deep[:, :6] == 40000).all()
    assert (deep[:, 6:] == 5).all()
    assert grey.shape == (4, 12)
    assert mixed[0, 0].tolist() == [255] * 3
    assert mixed[0, 6].tolist() == [7] * 3
    with pytest.raises(InputError, match="JPEG files hold 8 bits"):
        combine(tmp_path, "--format", "jpg", f"--fold_AB={tmp_path}/other")


def test_other_sizes_are_refused_before_anything_is_written_or_resized(folders) -> None:
    Image.new("RGB", (16, 8)).save(folders / "B/val/001.png")
    with pytest.raises(InputError, match="32x32 and 16x8 pixels.*--resize"):
        combine(folders)
    assert files(folders / "AB") == []
    combine(folders, "--resize")
    assert pixels(folders / "AB/val/001.png").shape == (32, 64, 3)


def test_images_without_a_partner_are_told_of_and_left_out(folders, capsys) -> None:
    (folders / "B/train/001.png").unlink()
    combine(folders)
    said = capsys.readouterr().out
    assert "note: 1 image has no partner in --fold_B, such as" in said
    assert "001.png" in said
    assert files(folders / "AB/train") == ["000.png", "002.png"]


def test_hidden_folders_are_no_splits_and_a_second_run_writes_the_same(folders) -> None:
    for side in "AB":
        write_images(folders / side / ".thumbs", 1)
    combine(folders)
    before = {name: (folders / "AB" / name).read_bytes() for name in files(folders / "AB")}
    combine(folders)
    assert {name: (folders / "AB" / name).read_bytes() for name in files(folders / "AB")} == before
    assert not any("thumbs" in name for name in before)


def test_damaged_images_missing_folders_and_names_that_clash_are_one_message(folders) -> None:
    with pytest.raises(InputError, match="--fold_B: there is no folder"):
        combine(folders, f"--fold_B={folders}/nowhere")
    with pytest.raises(InputError, match="is --fold_A: give another folder"):
        combine(folders, f"--fold_AB={folders}/A")
    (folders / "A/train/001.png").write_bytes(b"\x89PNG no")
    with pytest.raises(InputError, match=r"001\.png: cannot be read as an image"):
        combine(folders)
    Image.new("RGB", (4, 4)).save(folders / "A/train/001.jpg")
    with pytest.raises(InputError, match="have one name"):
        combine(folders)


@pytest.fixture
def unaligned(tmp_path: Path) -> Path:
    """trainA, trainB, testA, testB with one pair's halves under one name."""
    for split in ("train", "test"):
        for side, start in (("A", 0), ("B", 0)):
            write_images(tmp_path / f"{split}{side}", 2, start=start)
    return tmp_path


def align(root: Path, *flags: str) -> int:
    return make_dataset_aligned.main(["--dataset-path", str(root), *flags])


def test_unpaired_folders_become_pairs_by_name(unaligned) -> None:
    assert align(unaligned) == 0
    for split in ("train", "test"):
        assert files(unaligned / split) == ["000.png", "001.png"]
    image = pixels(unaligned / "train/001.png")
    assert (image[:, :32] == image[:, 32:]).all()


def test_a_missing_partner_is_an_error_and_nothing_is_written(unaligned) -> None:
    (unaligned / "testB/000.png").rename(unaligned / "testB/z.png")
    with pytest.raises(InputError, match=r"000\.png has no partner.*--by_order"):
        align(unaligned)
    assert not (unaligned / "train").exists()
    align(unaligned, "--by_order")
    assert files(unaligned / "test") == ["0000.png", "0001.png"]
    (unaligned / "testB/z.png").unlink()
    with pytest.raises(InputError, match="holds 2 images, .*testB 1"):
        align(unaligned, "--by_order")


def test_names_with_A_and_B_are_pairs_too(unaligned) -> None:
    for split in ("train", "test"):
        for side in "AB":
            for path in sorted((unaligned / f"{split}{side}").iterdir()):
                path.rename(path.with_name(f"{path.stem}_{side}.png"))
    align(unaligned)
    assert files(unaligned / "train") == ["000.png", "001.png"]
    write_images(unaligned / "testB", 1, start=9)
    with pytest.raises(InputError, match="has no partner"):
        align(unaligned)


def test_a_folder_of_something_else_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="holds no trainA and trainB"):
        align(tmp_path)
    write_images(tmp_path / "trainA", 1)
    with pytest.raises(InputError, match="there is no folder .*trainB"):
        align(tmp_path)


def test_the_scripts_run_as_commands(folders) -> None:
    def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "datasets" / script), *words]
        return subprocess.run(command, cwd=folders, capture_output=True, text=True, check=False)

    done = run("combine_A_and_B.py", "--fold_A", "A", "--fold_B", "B", "--fold_AB", "AB")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["AB/train: 3 pairs", "AB/val: 2 pairs"]
    failed = run("make_dataset_aligned.py", "--dataset-path", "nowhere")
    assert failed.returncode == 1
    assert failed.stderr == "error: nowhere holds no trainA and trainB, nor testA and testB\n"
