"""Training and testing by several processes: what they agree on, and how they end."""

from __future__ import annotations

import os
import re
import shutil
import signal

import numpy as np
import pytest
import torch
from bad_inputs.pages import checked_page
from conftest import write_images
from helpers.gallery import numbers
from helpers.group import (
    CYCLEGAN,
    PIX2PIX,
    call_in_group,
    finish,
    trainings,
)
from helpers.words import words
from PIL import Image
from torture.runs import Run

from util import distributed
from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.distributed.launch import process_group, wanted
from util.errors import InputError, SharedError


def losses(run: Run) -> list[list[float]]:
    lines = re.findall(r"^\(epoch.*\) (.*)$", (run.folder / "loss_log.txt").read_text(), re.M)
    return [[float(value) for value in re.findall(r": ([-\d.]+)", line)] for line in lines]


def test_two_processes_train_as_one_that_has_twice_the_batch(group_data, tmp_path) -> None:
    line = words("--dataroot", group_data, *CYCLEGAN, "--pool_size 0")
    two = trainings(tmp_path / "two", line)
    finish(two)
    one = Run(tmp_path / "one", words(*line, "--batch_size 2")).finish()
    pairs = list(zip(losses(one), losses(two[0]), strict=True))
    assert len(pairs) == 10
    for a, b in pairs[:2]:  # rounding grows fast, on some processors to 5 % in the third step
        assert a == pytest.approx(b, abs=0.01)
    assert "images per step: 2 (--batch_size 1 x 2 processes)" in two[0].tail(10_000)
    assert two[1].tail() == ""  # one alone speaks


def test_a_process_that_cannot_read_an_image_stops_all_after_a_save(group_data, tmp_path) -> None:
    root = tmp_path / "data"
    shutil.copytree(group_data / "train", root / "train")
    (root / "train" / "011.png").write_bytes(b"no image")
    line = words("--dataroot", root, *PIX2PIX, "--serial_batches")
    runs = trainings(tmp_path / "runs", line)
    finish(runs, 1)
    told = runs[0].tail()
    assert "stopped by a failure: saving epoch 1" in told
    assert told.count("error:") == 1
    assert "011.png" in told
    assert runs[1].tail() == ""
    assert (runs[0].folder / names.STATE_FILE).exists()


def test_a_process_that_dies_ends_the_others_with_a_message(group_data, tmp_path) -> None:
    runs = trainings(tmp_path, ["--dataroot", str(group_data), *CYCLEGAN])
    assert runs[0].says(r"\(epoch: 1, iters: \d")
    os.kill(runs[1].process.pid, signal.SIGKILL)
    assert runs[0].wait() == 1
    assert "error in process 0: another process of this group has ended" in runs[0].tail()
    assert "Traceback" not in runs[0].tail()


def test_a_process_that_hangs_is_given_up(group_data, tmp_path) -> None:
    runs = trainings(tmp_path, ["--dataroot", str(group_data), *CYCLEGAN], timeout=3)
    assert runs[0].says(r"\(epoch: 1, iters: \d")
    os.kill(runs[1].process.pid, signal.SIGSTOP)
    try:
        assert runs[0].wait(30) == 1
    finally:
        runs[1].process.kill()
    assert "not answered for 3 seconds" in runs[0].tail()


def test_what_is_wrong_for_all_is_told_once(group_data, tmp_path) -> None:
    for line, status, message in (
        (words("--dataroot", group_data, *PIX2PIX, "--ngf 0"), 2, "--ngf 0 must be at least 1"),
        (["--dataroot", str(tmp_path / "none"), *PIX2PIX], 1, "there is no folder"),
        (
            words("--dataroot", group_data, *PIX2PIX, "--preprocess none --batch_size 2"),
            1,
            "use --batch_size 1, or a --preprocess that crops",
        ),
    ):
        runs = trainings(tmp_path / "runs", line)
        finish(runs, status)
        assert message in runs[0].tail()
        assert runs[1].tail() == ""


def test_machines_with_different_images_are_refused(tmp_path) -> None:
    call_in_group(2, _check_alike)


def _check_alike() -> None:
    with process_group():
        distributed.check_alike("images", count=3, content="abc")
        with pytest.raises(SharedError, match="images are not the same .*3 in process 0, 4 in"):
            distributed.check_alike("images", count=3 + distributed.rank(), content="abc")
        with pytest.raises(SharedError, match="^process 1: not here$"):
            _fail_in_one()
        assert distributed.gather_numbers(distributed.rank(), 7) == [(0, 7), (1, 7)]


def _fail_in_one() -> None:
    with distributed.together():
        if distributed.rank() == 1:
            raise InputError("not here")


def test_several_gpu_ids_start_a_process_for_each(group_data, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert [wanted(ids) for ids in ("0", "-1", "0,1", "2,0,1")] == [1, 1, 2, 3]
    line = words("--dataroot", group_data, *PIX2PIX, "--n_epochs 1 --n_epochs_decay 0")
    run = Run(tmp_path, words(*line, "--gpu_ids 0,1"), hide_gpus).finish()
    assert "2 processes" in run.tail(10_000)
    assert checkpoint.load(run.folder / names.STATE_FILE)["versions"]["processes"] == 2


def hide_gpus() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def test_processes_that_share_a_test_write_what_one_writes(tmp_path) -> None:
    root, out = tmp_path / "data", tmp_path / "checkpoints"
    write_images(root / "testA", 11, 32, 32)
    write_images(root / "testB", 4, 32, 32, 100)  # starts over
    Image.open(root / "testA" / "003.png").convert("L").save(
        root / "testA" / "003.bmp"
    )  # names meet
    (root / "testA" / "007.png").write_bytes(b"no image")
    write_images(root / "trainA", 2, 32, 32)
    write_images(root / "trainB", 2, 32, 32)
    line = words("--dataroot", root, *CYCLEGAN, "--dropout")
    Run(out, words(*line, "--n_epochs 1 --n_epochs_decay 0")).finish()
    line += words("--ngf 4 --bad_images skip --gpu_ids -1 --num_test 10")
    for size in (1, 2, 3):
        options = words("--checkpoints_dir", out, "--results_dir", tmp_path / f"{size}")
        call_in_group(size, _test, words(*line, *options, "--name run"))
    one, *others = (tmp_path / f"{size}" / "run" / "test_latest" for size in (1, 2, 3))
    files = sorted(str(file.relative_to(one)) for file in one.rglob("*.*"))
    assert len(files) == 9 * 3 + 4 * 3 + 1
    for other in others:
        assert sorted(str(file.relative_to(other)) for file in other.rglob("*.*")) == files
        for name in files[:-1]:  # how many images go together decides over the last bit
            pictures = (np.asarray(Image.open(place / name), np.int16) for place in (one, other))
            assert abs(np.subtract(*pictures)).max() <= 1
        pages = [checked_page(place / "index.html") for place in (one, other)]
        assert pages[0].links == pages[1].links
        assert pages[0].texts["h2"] == pages[1].texts["h2"]
        told = [numbers((place / "index.html").read_text()) for place in (one, other)]
        assert told[0]["keys"] == told[1]["keys"] == ["rec_A l1", "rec_B l1"]
        assert np.array(told[1]["values"], float) == pytest.approx(
            np.array(told[0]["values"], float), abs=1e-3, nan_ok=True
        )


def _test(argv: list[str]) -> None:
    import test

    assert test.main(argv) == 0
