"""One training at a time in a folder: the lock is refused while its holder lives, and free when it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from util.checkpoints import lock
from util.checkpoints.lock import LOCK_FILE, RunLock
from util.errors import InputError

ROOT = Path(__file__).parents[2]
HOLDER = """
import os, sys, time
from pathlib import Path
from util.checkpoints.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.acquire()
child = 0
if sys.argv[2:] == ["fork"] and not (child := os.fork()):
    time.sleep(60)
    os._exit(0)
print("locked", child, flush=True)
time.sleep(60)
"""


def holder(folder: Path, *words: str) -> tuple[subprocess.Popen[str], int]:
    """A process that holds the lock, and the number of its child."""
    command = [sys.executable, "-c", HOLDER, str(folder), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    locked, child = process.stdout.readline().split()
    assert locked == "locked"
    return process, int(child)


def test_a_second_lock_is_refused_and_names_the_holder(tmp_path) -> None:
    with RunLock(tmp_path / "n") as first:
        first.acquire()
        with pytest.raises(
            InputError, match=f"is being trained by process {os.getpid()} on .*--name"
        ):
            RunLock(tmp_path / "n").acquire()
    RunLock(tmp_path / "n").acquire()


def test_other_runs_are_not_locked(tmp_path) -> None:
    with RunLock(tmp_path / "a") as a, RunLock(tmp_path / "b") as b:
        a.acquire()
        b.acquire()


@pytest.mark.skipif(os.name != "posix", reason="kills by signals")
def test_the_lock_ends_with_a_process_that_is_killed(tmp_path) -> None:
    process, _ = holder(tmp_path)
    with pytest.raises(InputError, match=f"process {process.pid}"):
        RunLock(tmp_path).acquire()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with RunLock(tmp_path) as free:
        free.acquire()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_processes_that_a_killed_one_has_forked_do_not_keep_the_lock(tmp_path) -> None:
    process, child = holder(tmp_path, "fork")
    process.send_signal(signal.SIGKILL)
    process.wait()
    try:
        with RunLock(tmp_path) as free:
            free.acquire()
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate()


def test_a_holder_on_another_machine_is_believed(tmp_path, monkeypatch) -> None:
    with RunLock(tmp_path) as first:
        first.acquire()
        other = {"process": 1, "machine": "elsewhere"}
        (tmp_path / LOCK_FILE).write_text(json.dumps(other))
        with pytest.raises(InputError, match="by process 1 on elsewhere"):
            RunLock(tmp_path).acquire()


def test_a_disk_without_locks_is_warned_about(tmp_path, monkeypatch, caplog) -> None:
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with RunLock(tmp_path) as only:
        only.acquire()
    assert "cannot be locked" in caplog.text
