"""Starting real trainings quickly, and telling whether two of them ended alike."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent.parent
TINY = [
    "--gpu_ids", "-1", "--ngf", "4", "--ndf", "4", "--load_size", "36", "--crop_size", "32",
    "--n_epochs", "2", "--n_epochs_decay", "2", "--print_freq", "5", "--display_freq", "10",
    "--update_html_freq", "10", "--save_latest_freq", "7", "--save_epoch_freq", "1", "--display_id", "-1",
]  # fmt: skip


@cache
def server() -> Any:
    """Processes forked from one that has imported PyTorch already: each starts in no time."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["train", "models.pix2pix_model", "models.cycle_gan_model"])
    first = context.Process(target=time.sleep, args=(0,))  # waits for the imports
    first.start()
    first.join()
    return context


def child(argv: list[str], log: str, prepare: Callable[[], None] | None) -> None:
    """What the process does: train.py with these words, its output in a file."""
    import train
    from util.errors import run_command

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    torch.set_num_threads(1)
    multiprocessing.set_start_method(
        "fork", force=True
    )  # for loader processes, as on the command line
    if prepare:
        prepare()
    sys.argv = ["train.py", *argv]
    run_command(train.main)


class Run:
    """A training in a process of its own.

    Args:
        words: flags beside those of `TINY`; checkpoints go to `folder`/run.
        prepare: called in the process before it trains.
        log: file of its output; beside the folder, which may lie on a disk that is full.
    """

    def __init__(
        self,
        folder: Path,
        words: list[str],
        prepare: Callable[[], None] | None = None,
        log: Path | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder / "run", log or folder.with_suffix(".txt")
        self.log.unlink(missing_ok=True)
        argv = [*TINY, "--checkpoints_dir", str(folder), "--name", "run", *words]
        self.process = server().Process(target=child, args=(argv, str(self.log), prepare))
        self.started = time.monotonic()
        self.process.start()

    @property
    def running(self) -> bool:
        return self.process.is_alive()

    def wait(self, timeout: float = 120) -> int:
        """The exit status; a signal's is negative."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"still running after {timeout} s: {self.tail()}")
        return self.process.exitcode

    def finish(self) -> Run:
        """Waits for an end without an error."""
        status = self.wait()
        assert status == 0, f"status {status}: {self.tail()}"
        return self

    def says(self, pattern: str, timeout: float = 60) -> bool:
        """Waits until the output matches; False if the process ends first."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            running = self.running
            if self.log.exists() and re.search(pattern, self.log.read_text(errors="replace")):
                return True
            if not running:
                return False
            time.sleep(0.005)
        raise AssertionError(f"waited in vain for {pattern!r}: {self.tail()}")

    def tail(self, characters: int = 1500) -> str:
        return (
            self.log.read_text(errors="replace")[-characters:] if self.log.exists() else "no output"
        )


def fingerprint(folder: Path) -> dict[str, str]:
    """What must not depend on interruptions, part by part: state, weight files, losses in the log."""
    state = torch.load(folder / "latest_state.pth", weights_only=True)
    parts = {**state["networks"], **state["stateful"], "progress": state["progress"]}
    for file in sorted(folder.glob("*_net_*.pth")):
        parts[file.name] = torch.load(file, weights_only=True)
    log = (folder / "loss_log.txt").read_text().splitlines()
    parts["loss_log"] = [re.sub(r"time: .*?\)", ")", line) for line in log if line[0] == "("]
    parts["leftovers"] = sorted(file.name for file in folder.glob(".*"))
    return {name: digest(value) for name, value in parts.items()}


def digest(value: Any) -> str:
    """A hash of nested dicts, lists, numbers and tensors, to the last bit."""
    sha = hashlib.sha256()

    def add(item: Any) -> None:
        if isinstance(item, torch.Tensor):
            sha.update(f"{item.dtype}{tuple(item.shape)}".encode())
            sha.update(item.contiguous().numpy().tobytes())
        elif isinstance(item, Mapping):
            for key in sorted(item, key=str):
                sha.update(str(key).encode())
                add(item[key])
        elif isinstance(item, (list, tuple)):
            sha.update(f"[{len(item)}]".encode())
            for element in item:
                add(element)
        else:
            sha.update(repr(item).encode())

    add(value)
    return sha.hexdigest()


def differences(whole: dict[str, str], disturbed: dict[str, str]) -> list[str]:
    """Names of the parts in which two fingerprints differ."""
    return [name for name in {**whole, **disturbed} if whole.get(name) != disturbed.get(name)]
