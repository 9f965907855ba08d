"""What else can befall a training: disks, loader processes, visdom, and a cut at each step of a save.

Every fault returns a sentence about what happened, and raises AssertionError when something was lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from torture.runs import ROOT, Run, differences, fingerprint

WORDS = ["--model", "pix2pix", "--netG", "resnet_6blocks", "--num_threads", "0"]


class Fault:
    """A data set, a place to work in, and how the undisturbed run ended."""

    def __init__(self, dataroot: Path, work: Path) -> None:
        shutil.rmtree(work, ignore_errors=True)
        self.words, self.work = ["--dataroot", str(dataroot), *WORDS], work
        self.wanted = fingerprint(Run(work / "whole", self.words).finish().folder)

    def alike(self, run: Run) -> None:
        found = differences(self.wanted, fingerprint(run.folder))
        assert not found, f"differs in {', '.join(found)}: {run.tail()}"

    def disk_full_for_a_while(self) -> str:
        """No room for a second state, until some is made."""
        with small_disk(self.work / "disk", megabytes=6) as disk:
            run = Run(disk, self.words)
            assert run.says("saving the model at the end of epoch 1")
            with filled(disk):
                assert run.says(
                    "warning: cannot write .*No space left.*What was saved before is whole"
                )
            run.finish()
            return self._alike_but_for_numbered_files(run)

    def disk_full_to_the_end(self) -> str:
        with small_disk(self.work / "disk", megabytes=6) as disk:
            run = Run(disk, self.words, impatient)
            assert run.says("saving the model at the end of epoch 1")
            with filled(disk):
                assert run.wait() == 1, run.tail()
            assert "the end of this run could not be saved" in run.tail()
            run = Run(disk, [*self.words, "--continue_train"]).finish()
            return "ended with a message; continued: " + self._alike_but_for_numbered_files(run)

    def folder_becomes_read_only(self) -> str:
        with small_disk(self.work / "disk", megabytes=20) as disk:
            run = Run(disk, self.words)
            assert run.says("saving the model at the end of epoch 1")
            remount(disk, "ro")
            assert run.says("warning: cannot write .*Read-only file system")
            remount(disk, "rw")
            run.finish()
            return self._alike_but_for_numbered_files(run)

    def _alike_but_for_numbered_files(self, run: Run) -> str:
        """Those of an epoch that a full disk refused cannot come back."""
        found = fingerprint(run.folder)
        missing = [name for name in self.wanted if name not in found]
        assert all(name[0].isdecimal() for name in missing), missing
        assert set(differences(self.wanted, found)) == set(missing)
        return f"trained to the end, same result; {len(missing)} numbered files could not be kept"

    def loader_process_killed(self) -> str:
        run = Run(self.work / "worker", [*self.words, "--num_threads", "1"])
        killed = 0
        while killed < 2 and run.says(rf"\(epoch: {killed + 1}, iters: 1\d,"):
            killed += kill_loader_process(run)
        assert killed == 2
        self.alike(run.finish())
        return "replaced twice, same result"

    def loader_processes_killed_for_ever(self) -> str:
        run = Run(self.work / "workers", [*self.words, "--num_threads", "1"])
        assert run.says(r"\(epoch: 1, iters: 5,")
        while run.running:
            kill_loader_process(run)
            time.sleep(0.05)
        assert run.wait() == 1
        assert "loader processes keep dying" in run.tail()
        self.alike(Run(run.folder.parent, [*self.words, "--continue_train"]).finish())
        return "stopped after a save; continued, same result"

    def visdom_killed(self) -> str:
        with visdom(self.work) as (server, flags):
            run = Run(self.work / "visdom_killed", [*self.words, *flags])
            assert run.says(r"\(epoch: 1, iters: 10,")
            server.kill()
            self.alike(run.finish())
            return "trained on, same result"

    def visdom_stalled(self) -> str:
        """The server accepts connections and never answers."""
        with visdom(self.work) as (server, flags):
            run = Run(self.work / "visdom_stalled", [*self.words, *flags])
            assert run.says(r"\(epoch: 1, iters: 10,")
            server.send_signal(signal.SIGSTOP)
            self.alike(run.finish())
            return "trained on, same result"

    def cut_at_every_step_of_a_save(self, every: int = 1) -> str:
        """SIGKILL when the process touches the disk for the n-th time, for every n."""
        words = [*self.words, "--n_epochs", "1", "--n_epochs_decay", "0", "--no_html"]
        words += ["--save_latest_freq", "20"]
        wanted = fingerprint(Run(self.work / "uncut", words).finish().folder)
        places = 0
        while True:
            shutil.rmtree(self.work / "cut", ignore_errors=True)
            if Run(self.work / "cut", words, CutAt(places * every)).wait() == 0:
                break
            places += 1
            run = Run(self.work / "cut", [*words, "--continue_train"])
            assert run.wait() == 0 or "has finished its" in run.tail(), run.tail()
            found = differences(wanted, fingerprint(run.folder))
            assert not found, f"place {places}: differs in {found}"
        assert places * every > 20
        return f"{places} places, same result"


FAULTS: dict[str, Callable[[Fault], str]] = {
    name.replace("_", " "): method
    for name, method in vars(Fault).items()
    if callable(method) and not name.startswith("_") and name != "alike"
}


class CutAt:
    """Makes a process kill itself when it flushes, renames or removes a file for the n-th time."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self) -> None:
        for name in ("fsync", "replace", "unlink"):
            setattr(os, name, self._counting(getattr(os, name)))

    def _counting(self, function: Callable) -> Callable:
        def call(*arguments, **keywords):
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **keywords)

        return call


def impatient() -> None:
    """The end of a run waits for a full disk for seconds, not minutes."""
    from util.checkpoints import saver

    saver.PATIENCE, saver.RETRY_SECONDS = 1.0, 0.2


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size in memory. Skips where it may not be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, *options], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, mode: str) -> None:
    """Makes the small disk read-only (ro) or writable (rw), once nothing is being written to it."""
    until = time.monotonic() + 20
    words = ["mount", "-o", f"remount,{mode}", str(folder)]
    while subprocess.run(words, capture_output=True, check=False).returncode:
        assert time.monotonic() < until, "the disk stays busy"


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Takes all room there is, and all that becomes free."""
    done = threading.Event()

    def fill() -> None:
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            while not done.wait(0.001):
                with suppress(OSError):
                    while ballast.write(bytes(16384)):
                        pass

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        (disk / "ballast").unlink()


def kill_loader_process(run: Run) -> bool:
    """Kills one of the training's children, if it has any."""
    pid = run.process.pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
    except (OSError, IndexError):
        return False
    return True


@contextmanager
def visdom(work: Path) -> Iterator[tuple[subprocess.Popen, list[str]]]:
    """A real server, and the flags that lead to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, str(ROOT / "scripts/visdom_server.py"), "--port", str(port)]
    with (
        open(work / "visdom.log", "w") as log,
        subprocess.Popen(words, stdout=log, stderr=log) as server,
    ):
        try:
            until = time.monotonic() + 60
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < until, (work / "visdom.log").read_text()
                time.sleep(0.1)
            yield server, ["--display_id", "1", "--display_port", str(port)]
        finally:
            server.send_signal(signal.SIGCONT)
            server.kill()
