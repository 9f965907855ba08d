"""A short version of `python tests/torture`: real processes, killed for real."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from helpers.words import words
from torture.__main__ import make_data
from torture.faults import FAULTS, WORDS, Fault
from torture.kills import CONFIGURATIONS, torture
from torture.runs import Run

from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.distributed.stop import STOPPED


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    make_data(root)
    return root


@pytest.mark.parametrize("name", ["pix2pix", "cycle_gan, dropout, cosine, batches of 2"])
def test_a_run_killed_at_any_moment_ends_bit_for_bit_like_an_undisturbed_one(
    name, data, tmp_path
) -> None:
    outcome = torture(CONFIGURATIONS[name], data, tmp_path / "work", 2, random.Random(0))
    assert outcome.kills.total() == 2
    assert not outcome.mismatches


@pytest.mark.parametrize(
    "name", ["disk full for a while", "disk full to the end", "loader process killed"]
)
def test_a_fault_costs_nothing_that_was_saved(name, data, tmp_path) -> None:
    assert FAULTS[name](Fault(data, tmp_path / "work"))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1], ids=lambda n: n.name
)
def test_a_signal_saves_in_the_middle_of_an_epoch_and_its_exit_status_is_not_that_of_a_kill(
    number, data, tmp_path
) -> None:
    run = Run(tmp_path / "a", words("--dataroot", data, *WORDS, "--save_latest_freq 1000"))
    assert run.says(r"\(epoch: 1, iters: 5,")
    os.kill(run.process.pid, number)
    assert run.wait() == STOPPED
    state = checkpoint.load(run.folder / names.STATE_FILE)
    assert state["progress"]["epoch"] == 1
    assert 5 <= state["progress"]["position"] < 24
    assert "to continue, run the same command with --continue_train" in run.tail()


def test_a_second_ctrl_c_stops_at_once_without_a_save(data, tmp_path) -> None:
    slow = words("--model cycle_gan --ngf 64 --load_size 256 --crop_size 256")
    run = Run(tmp_path / "a", words("--dataroot", data, *slow, "--num_threads 0"))
    assert run.says("seed 0")  # steps take many seconds each
    for _ in range(2):
        time.sleep(0.5)
        os.kill(run.process.pid, signal.SIGINT)
    assert run.wait(timeout=10) == 130
    assert "interrupted" in run.tail()
    assert "Traceback" not in run.tail()
    assert not (run.folder / names.STATE_FILE).exists()
