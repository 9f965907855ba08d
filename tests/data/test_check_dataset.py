"""The doctor's report: counts, files, names, cost, and its cheap part."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import picture, write_images
from helpers.doctor import (
    SCRIPT,
    SIZES,
    SMALLEST,
    aligned,
    clean_folders,
    clean_pairs,
    pair,
    photo,
    save,
)
from PIL import Image

from data import BaseDataset, Source, create_dataset, find_dataset
from data.checks.finding import Finding
from data.checks.quick import header_size, headers_of, quick_findings
from options.train_options import TrainOptions
from scripts import check_dataset
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


def dataset(root: Path, mode: str, **flags):
    flags = {"load_size": 18, "crop_size": 16, **flags}
    options = find_dataset(mode).Options(dataroot=str(root), dataset_mode=mode, **flags)
    return create_dataset(options, Source())


def found_in(images: BaseDataset) -> list[Finding]:
    return quick_findings(images, headers_of(images))


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_nothing_is_found_in_clean_pairs(tmp_path, checked, quick) -> None:
    report = checked(clean_pairs(tmp_path), *aligned(), *quick)
    assert report.findings == []
    assert report.status == 0
    assert report.text.endswith("verdict: nothing wrong found; ready to train\n")


def test_nothing_is_found_in_clean_folders(tmp_path, checked) -> None:
    report = checked(clean_folders(tmp_path), "--model", "cycle_gan")
    assert report.findings == []
    assert report.status == 0


def test_the_images_of_every_split_are_counted(tmp_path, checked) -> None:
    text = checked(clean_pairs(tmp_path), *aligned("--quick")).text
    for phase, count in (("train", 6), ("val", 2), ("test", 3)):
        assert f"  {phase}: {count} in {tmp_path / phase}\n" in text


def test_a_data_set_without_splits_is_counted_once(tmp_path, checked) -> None:
    write_images(tmp_path, 3, 16, 16)
    text = checked(tmp_path, "--dataset_mode", "single", "--quick").text
    assert text.count(f"3 in {tmp_path}") == 1


def test_a_split_of_which_one_folder_is_missing_is_named(tmp_path, checked) -> None:
    shutil.rmtree(clean_folders(tmp_path) / "testB")
    finding = checked(tmp_path, "--model", "cycle_gan", "--quick").one("warning")
    assert "no folder testB: --phase test cannot be used" in finding


def test_a_missing_folder_is_the_users_error(tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        check_dataset.main(["--dataroot", str(tmp_path), *SMALLEST, *SIZES])


def test_damaged_files_are_listed_with_reasons(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    whole = (tmp_path / "train/001.png").read_bytes()
    (tmp_path / "train/001.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "train/002.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    report.one("error: images of train that cannot be used: 2")
    assert re.search(r"train/001\.png: cannot be read as an image \(.*truncated", report.text)
    assert "train/002.png: cannot be read" in report.text
    assert report.status == 1
    assert "verdict: 1 error; training would stop" in report.text


def test_damaged_files_only_warn_where_training_skips_them_or_never_sees_them(
    tmp_path, checked
) -> None:
    (clean_pairs(tmp_path) / "train/001.png").write_bytes(b"")
    report = checked(tmp_path, *aligned("--bad_images", "skip"))
    report.one("warning: images of train that cannot be used: 1")
    assert report.status == 0
    (tmp_path / "train/001.png").unlink()
    (tmp_path / "test/200.png").write_bytes(b"")
    checked(tmp_path, *aligned()).one("warning: images of test that cannot be used: 1")


def test_processes_that_share_many_files_find_the_same(tmp_path, checked) -> None:
    (clean_pairs(tmp_path, train=70) / "train/069.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    report.one("error: images of train that cannot be used: 1")
    assert "train/069.png: cannot be read" in report.text


def test_more_than_ten_files_are_counted_not_listed() -> None:
    lines = str(Finding("error", "so many", tuple(map(str, range(14))))).splitlines()
    assert len(lines) == 12
    assert lines[-1].strip() == "and 4 more"


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_pairs_of_odd_width_are_listed(tmp_path, checked, quick) -> None:
    save(clean_pairs(tmp_path) / "train/odd.png", pair(7)[:, :-1])
    report = checked(tmp_path, *aligned(), *quick)
    report.one("error: width not a multiple of 2, so no 2 equal parts: 1 of 7 images")
    assert "train/odd.png: 31 pixels wide" in report.text
    assert report.status == 1


def test_images_that_are_no_pairs_are_noted_and_nothing_else_is_said_of_their_halves(
    tmp_path, checked
) -> None:
    write_images(tmp_path / "train", 4, 32, 32)
    finding = checked(tmp_path, *aligned("--quick")).one("note: about square, like single images")
    assert "4 of 4" in finding
    assert "see docs/datasets.md" in finding


def test_single_images_that_are_too_small_stay_an_error(tmp_path, checked) -> None:
    write_images(tmp_path / "train", 4, 16, 16)
    report = checked(tmp_path, *aligned("--preprocess", "crop", "--quick"))
    assert [finding.split(":")[0] for finding in report.findings] == ["error", "note"]
    assert "8x16 pixels are too few" in report.text


def test_files_without_a_namesake_are_listed_where_most_have_one(tmp_path, checked) -> None:
    (clean_folders(tmp_path) / "trainB/2.png").rename(tmp_path / "trainB/two.png")
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "template", "--quick")
    report.one("warning: files without a counterpart in the other folder, unlike most: 2")
    assert "trainA/2.*: not in trainB" in report.text
    assert "trainB/two.*: not in trainA" in report.text


def test_names_play_no_part_in_unaligned_data_or_where_few_agree(tmp_path) -> None:
    clean_folders(tmp_path)
    (tmp_path / "trainB/2.png").rename(tmp_path / "trainB/two.png")
    assert found_in(dataset(tmp_path, "unaligned")) == []
    assert found_in(dataset(tmp_path / "trainA", "single")) == []
    (tmp_path / "trainB/1.png").rename(tmp_path / "trainB/one.png")
    assert found_in(dataset(tmp_path, "template")) == []


FOLDERS = """
from pathlib import Path

from data.base_dataset import BaseDataset
from util.images.read import BadImage, read_image


class FoldersDataset(BaseDataset):
    def __init__(self, options, source):
        super().__init__(options, source)
        self.A_folder, self.B_folder = (self.root / f"{source.phase}{side}" for side in "AB")
        self.A_paths = self.list_images(self.A_folder)

    def __len__(self):
        return len(self.A_paths)

    def item(self, index, rng):
        A_path = self.A_paths[index]
        B_path = str(self.B_folder / Path(A_path).relative_to(self.A_folder))
        A, B = read_image(A_path, 3), read_image(B_path, 3)
        if A.shape[1:] != B.shape[1:]:
            raise BadImage(A_path, f"has another size than {B_path}")
        same = self.sample(A_path, A, rng)
        return {"A": same(A), "B": same(B), "A_paths": A_path, "B_paths": B_path}
"""


def test_a_data_set_of_ones_own_is_checked_by_names_and_by_taking_its_items(
    tmp_path, checked, monkeypatch
) -> None:
    import data

    (tmp_path / "folders_dataset.py").write_text(FOLDERS)
    monkeypatch.setattr(data, "__path__", [*data.__path__, str(tmp_path)])
    (clean_folders(tmp_path) / "trainB/2.png").unlink()
    save(tmp_path / "trainB/1.png", photo(1, 16, 20))
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "folders")
    assert [finding.split(":")[0] for finding in report.findings] == ["error", "warning"]
    assert "trainB/2.png: is missing" in report.text
    assert re.search(r"trainA/1\.png: has another size than .*trainB/1\.png", report.text)
    assert "trainA/2.*: not in trainB" in report.text


def test_time_and_memory_are_told_from_real_steps_and_nothing_is_written(
    tmp_path, checked, monkeypatch
) -> None:
    clean_pairs(tmp_path / "pairs")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    flags = ["--n_epochs", "3", "--n_epochs_decay", "2", "--batch_size", "4"]
    text = checked(tmp_path / "pairs", *aligned(*flags)).text
    assert re.search(r"per image, at 16x16 pixels: \S+ s \(\S+ s to train, \S+ s to load\)", text)
    assert "per epoch of 6: about" in text
    assert "for 5 epochs: about" in text
    assert re.search(r"peak memory: [\d.]+ GiB", text)
    assert list((tmp_path / "work").iterdir()) == []


def test_one_of_the_steps_has_r1_which_needs_more_memory(tmp_path) -> None:
    images = dataset(clean_pairs(tmp_path), "aligned")
    calls = []
    for flags in ("", "--r1 0.01"):
        words = aligned("--dataroot", tmp_path, *SMALLEST, *SIZES, flags)
        options = TrainOptions.parse(words)
        model = check_dataset.build_model(options)
        passes = []
        model.D.register_forward_hook(lambda *_, passes=passes: passes.append(1))
        check_dataset.measure(model, images, options, torch.device("cpu"))
        calls.append(len(passes))
    assert calls[1] == calls[0] + 1


def test_a_model_that_needs_what_the_data_set_lacks_is_an_error(tmp_path, checked) -> None:
    write_images(tmp_path, 3, 16, 16)
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "single")
    assert "needs images B" in report.one("error")
    assert report.status == 1


def test_without_a_usable_image_the_report_still_ends(tmp_path, checked) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    assert report.findings[-1] == "error: no image can be used: see above"
    assert report.status == 1


def test_quick_findings_read_few_headers_of_many_files_fast(tmp_path) -> None:
    first = save(tmp_path / "train/00000.png", pair(0))
    for i in range(1, 2000):
        (tmp_path / f"train/{i:05d}.png").hardlink_to(first)
    pairs = dataset(tmp_path, "aligned", load_size=72, crop_size=64)
    start = time.process_time()
    found = found_in(pairs)
    assert time.process_time() - start < 1
    assert "200 of 200 sampled pairs" in found[0].text


def test_quick_findings_pass_over_what_cannot_be_read(tmp_path) -> None:
    (clean_pairs(tmp_path) / "train/001.png").write_bytes(b"GIF89a")
    assert found_in(dataset(tmp_path, "aligned")) == []


def test_header_sizes_are_of_images_standing_upright(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    for name in ("a.png", "a.jpg"):
        Image.fromarray(picture(0, 20, 40)).save(tmp_path / name, exif=exif)
        assert header_size(str(tmp_path / name)) == (40, 20)


def test_the_command_says_the_users_errors_without_a_traceback(tmp_path) -> None:
    command = [
        sys.executable,
        str(SCRIPT),
        "--dataroot",
        str(tmp_path / "nowhere"),
        *SMALLEST,
        *SIZES,
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("error: there is no folder")
    assert "Traceback" not in run.stderr
