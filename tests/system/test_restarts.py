"""Groups of processes that were stopped or killed, and go on."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist
from helpers.group import (
    CYCLEGAN,
    PIX2PIX,
    finish,
    free_port,
    trainings,
)
from helpers.tar import in_tars
from helpers.words import words
from torture.groups import Group
from torture.runs import Run, differences, fingerprint

from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.distributed.launch import job, meeting_place
from util.distributed.stop import STOPPED

pytestmark = pytest.mark.usefixtures("warm")


def stop(folder: Path, line: list[str], how: signal.Signals = signal.SIGTERM) -> list[Run]:
    """Two processes, of which one gets the signal in the middle of the second epoch."""
    runs = trainings(folder, line)
    assert runs[0].says(r"saving the latest model \(epoch 2")
    os.kill(runs[1].process.pid, how)
    if how == signal.SIGKILL:
        assert runs[0].wait() == 1
    else:
        finish(runs, STOPPED)
    return runs


def test_a_signal_to_one_process_stops_all_and_the_run_goes_on_bit_for_bit(
    group_data, tmp_path
) -> None:
    line = words("--dataroot", group_data, *CYCLEGAN, "--pool_size 2 --lr_policy plateau")
    whole = trainings(tmp_path / "whole", line)
    finish(whole)
    stopped = stop(tmp_path / "stopped", line)
    assert "stopped by a signal: saving epoch" in stopped[0].tail()
    state = checkpoint.load(stopped[0].folder / names.STATE_FILE)
    (other,) = state["other_processes"]
    own = state["stateful"]["pool_A"]["images"]
    assert len(own) == len(other["stateful"]["pool_A"]["images"]) == 2
    assert other["stateful"]["pool_A"]["rng"] != state["stateful"]["pool_A"]["rng"]
    finish(trainings(tmp_path / "stopped", [*line, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


@pytest.mark.parametrize(
    ("before", "after"),
    [(2, 1), (1, 2), (2, 3)],
)
def test_a_run_goes_on_with_another_number_of_processes(
    group_data, tmp_path, before, after
) -> None:
    line = words("--dataroot", group_data, *PIX2PIX, "--pool_size 2 --lr_policy plateau --scale_lr")
    first = trainings(tmp_path, words(*line, "--n_epochs 1 --n_epochs_decay 0"), before)
    finish(first)
    then = trainings(tmp_path, [*line, "--continue_train"], after)
    finish(then)
    said = then[0].tail(10_000)
    assert f"note: processes was {before} and is {after}" in said
    assert f"learning rate {0.0002 * after**0.5:.7f}" in said
    assert ("--norm batch: each process has statistics of its own" in said) == (after > 1)
    state = checkpoint.load(then[0].folder / names.STATE_FILE)
    assert state["progress"]["run_images"] == 48
    pools = [state["stateful"], *(own["stateful"] for own in state["other_processes"])]
    assert [len(pool["pool_AB"]["images"]) for pool in pools] == [2] * after


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_one_process_skips_keeps_the_others_in_step_over_a_stop(
    group_data, tmp_path, how
) -> None:
    root = tmp_path / "data"
    shutil.copytree(group_data / "train", root / "train")
    for name in ("003.png", "008.png", "009.png"):
        (root / "train" / name).write_bytes(b"no image")
    line = words("--dataroot", root, *PIX2PIX, "--bad_images skip")
    whole = trainings(tmp_path / "whole", line)
    finish(whole)
    assert "3 images skipped" in whole[0].tail()
    stopped = stop(tmp_path / "stopped", line, how)
    finish(trainings(tmp_path / "stopped", [*line, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


def test_processes_that_stream_tars_go_on_bit_for_bit_in_the_middle_of_an_epoch(
    group_data, tmp_path
) -> None:
    shards = in_tars(group_data, tmp_path / "shards", indexed=True)
    line = words("--dataroot", shards, *CYCLEGAN, "--pool_size 2")
    whole = trainings(tmp_path / "whole", line)
    finish(whole)
    stopped = stop(tmp_path / "stopped", line)
    finish(trainings(tmp_path / "stopped", [*line, "--continue_train"]))
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


def test_a_process_killed_under_torchrun_is_restarted_and_the_run_ends_bit_for_bit(
    group_data, tmp_path
) -> None:
    line = words("--dataroot", group_data, *CYCLEGAN, "--pool_size 2")
    whole = trainings(tmp_path / "whole", line)
    finish(whole)
    launch = words("--standalone --nproc_per_node=2 --max-restarts=1")
    killed = Group(tmp_path / "killed", line, launch)
    killed.says("saving the latest model (epoch 2")
    os.kill(killed.workers()[1], signal.SIGKILL)
    assert killed.wait() == 0, killed.text()[-1500:]
    assert "restarted by torchrun" in killed.text()
    wanted = fingerprint(whole[0].folder)
    assert not differences(wanted, fingerprint(killed.folder))


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
    asked = job.__wrapped__  # a new job each time
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert asked() == ""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some job")
    assert asked() == "some job"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")  # what torchrun says without --rdzv-id
    assert f" {os.getppid()}" in asked()
