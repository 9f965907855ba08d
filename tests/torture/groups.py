"""Trainings by several processes under torchrun, of which one is killed again and again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from torture.kills import Outcome
from torture.runs import ROOT, TINY, differences, fingerprint

RESTART = 16.0  # seconds; a process is killed at most so long after its start
GROUPS = {  # own pools, dropout and metric in every process
    "cycle_gan, full pools, plateau": [
        "--model", "cycle_gan", "--netG", "resnet_6blocks", "--pool_size", "3", "--lr_policy", "plateau",
    ],
    "pix2pix, dropout, pool, batches of 2": [
        "--model", "pix2pix", "--netG", "unet_64", "--load_size", "72", "--crop_size", "64",
        "--pool_size", "3", "--batch_size", "2",
    ],
}  # fmt: skip


PYTHON = sys.executable  # whose children are those that train, whatever PYTHON_EXEC they are


class Group:
    """torchrun with train.py.

    Args:
        words: flags beside those of `TINY`; checkpoints go to `folder`/run.
        launch: torchrun's own flags.
        prefix: a command that starts it elsewhere, as `ip netns exec NAME`.
    """

    def __init__(
        self,
        folder: Path,
        words: Sequence[str],
        launch: Sequence[str],
        *,
        prefix: Sequence[str] = (),
        log: str = "log.txt",
        name: str = "run",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder / name, folder / log
        argv = [
            *TINY,
            "--checkpoints_dir",
            str(folder),
            "--name",
            name,
            "--num_threads",
            "0",
            *words,
        ]
        torchrun = [
            PYTHON,
            "-m",
            "torch.distributed.run",
            "--monitor-interval",
            "0.1",
            *launch,
        ]
        with open(self.log, "wb") as log_file:
            self.process = subprocess.Popen(
                [*prefix, *torchrun, str(ROOT / "train.py"), *argv],
                stdout=log_file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                cwd=folder,
            )

    def workers(self) -> list[int]:
        """Process numbers of those that train."""
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return [int(child) for child in children if "train.py" in _command(int(child))]
        except FileNotFoundError:
            return []

    def wait(self, timeout: float = 180) -> int:
        """The exit status."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"still running after {timeout} s: {self.text()[-1500:]}"
            ) from None

    def kill(self) -> None:
        """Takes torchrun and all it has started away at once, as when a machine loses its power."""
        gone = [*self.workers(), self.process.pid]
        for pid in gone:
            _signal(pid, signal.SIGKILL)
        self.process.wait(30)

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str, timeout: float = 90) -> None:
        """Waits for words in the output."""
        until = time.monotonic() + timeout
        while words not in self.text():
            assert self.process.poll() is None, f"ended without {words!r}: {self.text()[-1500:]}"
            assert time.monotonic() < until, f"waited in vain for {words!r}: {self.text()[-1500:]}"
            time.sleep(0.02)


def torture_group(
    words: Sequence[str], dataroot: Path, work: Path, kills: int, rng: random.Random
) -> Outcome:
    """Kills one of two processes again and again; torchrun restarts them, by the very same command."""
    shutil.rmtree(work, ignore_errors=True)
    words = ["--dataroot", str(dataroot), *words]
    launch = ["--standalone", "--nproc_per_node=2"]
    whole = Group(work / "whole", words, launch)
    assert whole.wait() == 0, whole.text()[-1500:]
    wanted, outcome = _without_log(whole.folder), Outcome()
    while outcome.kills.total() < kills:
        shutil.rmtree(work / "killed", ignore_errors=True)
        left = kills - outcome.kills.total()
        run = Group(work / "killed", words, [*launch, f"--max-restarts={left}"])
        before: list[int] = []
        for _ in range(left):
            before = _new_workers(run, before)
            time.sleep(rng.uniform(0, RESTART))
            if run.process.poll() is not None or not before:
                break
            _signal(rng.choice(before), signal.SIGKILL)
            outcome.kills["SIGKILL of one process"] += 1
        if run.wait() != 0:
            outcome.mismatches.append(run.text()[-600:])
        outcome.finished += 1
        outcome.mismatches += differences(wanted, _without_log(run.folder))
    return outcome


def _without_log(folder: Path) -> dict[str, str]:
    """Lines printed before a kill stay in the log of a run that had not saved yet."""
    return {name: digest for name, digest in fingerprint(folder).items() if name != "loss_log"}


def _new_workers(run: Group, before: list[int]) -> list[int]:
    """The processes of the next start."""
    while run.process.poll() is None:
        found = run.workers()
        if len(found) == 2 and not set(found) & set(before):
            return found
        time.sleep(0.02)
    return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
