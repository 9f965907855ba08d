"""Training by several processes: what they agree on, how they end, and how they go on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from conftest import write_images
from group_helpers import call_in_group, free_port, trainings
from PIL import Image
from tar_helpers import in_tars
from torture.groups import Group
from torture.runs import Run, differences, fingerprint

from util import checkpoint, distributed
from util.errors import InputError, SharedError
from util.processes import job, meeting_place, process_group, wanted

CYCLEGAN = ["--model", "cycle_gan", "--netG", "resnet_6blocks", "--num_threads", "0"]
PIX2PIX = ["--model", "pix2pix", "--netG", "resnet_6blocks", "--num_threads", "0"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """12 pairs; 12 and 9 unpaired images."""
    root = tmp_path_factory.mktemp("data")
    write_images(root / "train", 12, 32, 64)
    write_images(root / "trainA", 12, 32, 32)
    write_images(root / "trainB", 9, 32, 32, 100)
    return root


def finish(runs: list[Run], status: int = 0) -> None:
    for run in runs:
        assert run.wait() == status, run.tail()


def losses(run: Run) -> list[list[float]]:
    lines = re.findall(r"^\(epoch.*\) (.*)$", (run.folder / "loss_log.txt").read_text(), re.M)
    return [[float(value) for value in re.findall(r": ([-\d.]+)", line)] for line in lines]


def test_two_processes_train_as_one_that_has_twice_the_batch(data, tmp_path) -> None:
    words = ["--dataroot", str(data), *CYCLEGAN, "--pool_size", "0"]
    two = trainings(tmp_path / "two", words)
    finish(two)
    one = Run(tmp_path / "one", [*words, "--batch_size", "2"]).finish()
    pairs = list(zip(losses(one), losses(two[0]), strict=True))
    assert len(pairs) == 10
    for a, b in pairs[:3]:  # until rounding has grown; three digits are printed
        assert a == pytest.approx(b, abs=0.01)
    assert "images per step: 2 (--batch_size 1 x 2 processes)" in two[0].tail(10_000)
    assert two[1].tail() == ""  # one alone speaks


def test_a_signal_to_one_process_stops_all_and_the_run_goes_on_bit_for_bit(data, tmp_path) -> None:
    words = ["--dataroot", str(data), *CYCLEGAN, "--pool_size", "2", "--lr_policy", "plateau"]
    whole = trainings(tmp_path / "whole", words)
    finish(whole)
    stopped = trainings(tmp_path / "stopped", words)
    assert stopped[0].says(r"\(epoch: 2, iters: \d")
    os.kill(stopped[1].process.pid, signal.SIGTERM)
    finish(stopped, 128 + signal.SIGTERM)
    assert "stopped by a signal: saving epoch" in stopped[0].tail()
    state = checkpoint.load(stopped[0].folder / checkpoint.STATE_FILE)
    (other,) = state["other_processes"]
    own = state["stateful"]["pool_A"]["images"]
    assert len(own) == len(other["stateful"]["pool_A"]["images"]) == 2
    assert other["stateful"]["pool_A"]["rng"] != state["stateful"]["pool_A"]["rng"]
    finish(trainings(tmp_path / "stopped", [*words, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_run_goes_on_with_another_number_of_processes(data, tmp_path, before, after) -> None:
    words = [
        "--dataroot",
        str(data),
        *PIX2PIX,
        "--pool_size",
        "2",
        "--lr_policy",
        "plateau",
        "--scale_lr",
    ]
    first = trainings(tmp_path, [*words, "--n_epochs", "1", "--n_epochs_decay", "0"], before)
    finish(first)
    then = trainings(tmp_path, [*words, "--continue_train"], after)
    finish(then)
    said = then[0].tail(10_000)
    assert f"note: processes was {before} and is {after}" in said
    assert f"learning rate {0.0002 * after**0.5:.7f}" in said
    assert ("--norm batch: each process has statistics of its own" in said) == (after > 1)
    state = checkpoint.load(then[0].folder / checkpoint.STATE_FILE)
    assert state["progress"]["run_images"] == 48
    pools = [state["stateful"], *(own["stateful"] for own in state["other_processes"])]
    assert [len(pool["pool_AB"]["images"]) for pool in pools] == [2] * after


def test_a_process_that_cannot_read_an_image_stops_all_after_a_save(data, tmp_path) -> None:
    root = tmp_path / "data"
    shutil.copytree(data / "train", root / "train")
    (root / "train" / "011.png").write_bytes(b"no image")
    words = ["--dataroot", str(root), *PIX2PIX, "--serial_batches"]
    runs = trainings(tmp_path / "runs", words)
    finish(runs, 1)
    told = runs[0].tail()
    assert "saving before stopping (epoch 1)" in told
    assert told.count("error:") == 1
    assert "011.png" in told
    assert runs[1].tail() == ""
    assert (runs[0].folder / checkpoint.STATE_FILE).exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_one_process_skips_keeps_the_others_in_step_over_a_stop(data, tmp_path, how) -> None:
    root = tmp_path / "data"
    shutil.copytree(data / "train", root / "train")
    for name in ("003.png", "008.png", "009.png"):
        (root / "train" / name).write_bytes(b"no image")
    words = ["--dataroot", str(root), *PIX2PIX, "--bad_images", "skip"]
    whole = trainings(tmp_path / "whole", words)
    finish(whole)
    assert "3 images were skipped" in whole[0].tail()
    stopped = trainings(tmp_path / "stopped", words)
    assert stopped[0].says(r"saving the latest model \(epoch 2")
    os.kill(stopped[1].process.pid, how)
    if how == signal.SIGTERM:
        finish(stopped, 128 + signal.SIGTERM)
    else:
        assert stopped[0].wait() == 1
    finish(trainings(tmp_path / "stopped", [*words, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


def test_processes_that_stream_tars_go_on_bit_for_bit_in_the_middle_of_an_epoch(
    data, tmp_path
) -> None:
    shards = in_tars(data, tmp_path / "shards", indexed=True)
    words = ["--dataroot", str(shards), *CYCLEGAN, "--pool_size", "2"]
    whole = trainings(tmp_path / "whole", words)
    finish(whole)
    stopped = trainings(tmp_path / "stopped", words)
    assert stopped[0].says(r"saving the latest model \(epoch 2")
    os.kill(stopped[0].process.pid, signal.SIGTERM)
    finish(stopped, 128 + signal.SIGTERM)
    finish(trainings(tmp_path / "stopped", [*words, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


def test_a_process_that_dies_ends_the_others_with_a_message(data, tmp_path) -> None:
    runs = trainings(tmp_path, ["--dataroot", str(data), *CYCLEGAN])
    assert runs[0].says(r"\(epoch: 1, iters: \d")
    os.kill(runs[1].process.pid, signal.SIGKILL)
    assert runs[0].wait() == 1
    assert "error in process 0: another process of this group has ended" in runs[0].tail()
    assert "Traceback" not in runs[0].tail()


def test_a_process_that_hangs_is_given_up(data, tmp_path) -> None:
    runs = trainings(tmp_path, ["--dataroot", str(data), *CYCLEGAN], timeout=3)
    assert runs[0].says(r"\(epoch: 1, iters: \d")
    os.kill(runs[1].process.pid, signal.SIGSTOP)
    try:
        assert runs[0].wait(30) == 1
    finally:
        runs[1].process.kill()
    assert "not answered for 3 seconds" in runs[0].tail()


def test_what_is_wrong_for_all_is_told_once(data, tmp_path) -> None:
    for words, status, message in (
        (["--dataroot", str(data), *PIX2PIX, "--ngf", "0"], 2, "--ngf 0 must be at least 1"),
        (["--dataroot", str(tmp_path / "none"), *PIX2PIX], 1, "there is no folder"),
        (
            ["--dataroot", str(data), *PIX2PIX, "--preprocess", "none", "--batch_size", "2"],
            1,
            "use --batch_size 1, or a --preprocess that crops",
        ),
    ):
        runs = trainings(tmp_path / "runs", words)
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


def test_a_process_killed_under_torchrun_is_restarted_and_the_run_ends_bit_for_bit(
    data, tmp_path
) -> None:
    words = ["--dataroot", str(data), *CYCLEGAN, "--pool_size", "2"]
    whole = trainings(tmp_path / "whole", words)
    finish(whole)
    launch = ["--standalone", "--nproc_per_node=2", "--max-restarts=1"]
    killed = Group(tmp_path / "killed", words, launch)
    killed.says("saving the latest model (epoch 2")
    os.kill(killed.workers()[1], signal.SIGKILL)
    assert killed.wait() == 0, killed.text()[-1500:]
    assert "restarted by torchrun" in killed.text()
    wanted = fingerprint(whole[0].folder)
    assert not differences(wanted, fingerprint(killed.folder))


def test_several_gpu_ids_start_a_process_for_each(data, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert [wanted(ids) for ids in ("0", "-1", "0,1", "2,0,1")] == [1, 1, 2, 3]
    words = ["--dataroot", str(data), *PIX2PIX, "--n_epochs", "1", "--n_epochs_decay", "0"]
    run = Run(tmp_path, [*words, "--gpu_ids", "0,1"], hide_gpus).finish()
    assert "2 processes" in run.tail(10_000)
    assert checkpoint.load(run.folder / checkpoint.STATE_FILE)["versions"]["processes"] == 2


def hide_gpus() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def test_new_processes_do_not_meet_the_dead_in_the_store_of_torchrun() -> None:
    port, met = free_port(), {}

    def meet(rank: int, start: int) -> None:
        store = dist.TCPStore("127.0.0.1", port, is_master=False)
        own = meeting_place(store, rank, 3, timedelta(seconds=20))
        own.set(f"{rank}", f"{start}")
        met[rank, start] = [own.get(f"{other}") for other in range(3)]

    with_server = dist.TCPStore("127.0.0.1", port, is_master=True)
    for start in range(3):
        threads = [threading.Thread(target=meet, args=(rank, start)) for rank in range(3)]
        for thread in threads[start:] + threads[:start]:  # in any order
            thread.start()
        for thread in threads:
            thread.join(20)
    assert with_server.num_keys() > 0
    expected = [str(start).encode() for start in range(3)]
    assert met == {(r, start): [expected[start]] * 3 for r in range(3) for start in range(3)}


def test_a_state_belongs_to_the_torchrun_that_started_it(monkeypatch) -> None:
    asked = job.__wrapped__  # anew each time
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert asked() == ""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some job")
    assert asked() == "some job"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")  # what torchrun says without --rdzv-id
    assert f" {os.getppid()}" in asked()


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
    words = ["--dataroot", str(root), *CYCLEGAN, "--dropout"]
    Run(out, [*words, "--n_epochs", "1", "--n_epochs_decay", "0"]).finish()
    words += ["--ngf", "4", "--bad_images", "skip", "--gpu_ids", "-1", "--num_test", "10"]
    for size in (1, 2, 3):
        options = ["--checkpoints_dir", str(out), "--results_dir", str(tmp_path / f"{size}")]
        call_in_group(size, _test, [*words, *options, "--name", "run"])
    one, *others = (tmp_path / f"{size}" / "run" / "test_latest" for size in (1, 2, 3))
    files = sorted(str(file.relative_to(one)) for file in one.rglob("*.*"))
    assert len(files) == 9 * 3 + 4 * 3 + 1
    for other in others:
        assert sorted(str(file.relative_to(other)) for file in other.rglob("*.*")) == files
        for name in files[:-1]:  # how many images go together decides over the last bit
            pictures = (np.asarray(Image.open(place / name), np.int16) for place in (one, other))
            assert abs(np.subtract(*pictures)).max() <= 1
        assert (other / files[-1]).read_text() == (one / files[-1]).read_text()


def _test(argv: list[str]) -> None:
    import test

    assert test.main(argv) == 0
