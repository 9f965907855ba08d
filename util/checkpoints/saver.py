"""Checkpoints written while training goes on, and what happens when the disk refuses."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from util.checkpoints import files as checkpoint
from util.checkpoints.inference_settings import parse_settings, record_settings
from util.checkpoints.names import STATE_FILE, list_networks
from util.checkpoints.state import save_networks
from util.distributed.stop import StopRequest
from util.errors import InputError

RETRY_SECONDS = 10.0
# Seconds after which the next print and the end of an epoch are saved in any case.
LONGEST = 600.0
PATIENCE = 600.0  # seconds in which a full disk may be mended at the end of a run


class NotFinite(InputError):
    """Weights with NaN or infinity were to be saved."""


class Saver:
    """Writes snapshots in the background, one after the other, newest last.

    Training waits for the copy in memory, not for the disk. A save that fails is reported and leaves
    the earlier one whole; `failed` says so until one succeeds. As a context it waits for the last
    write, except when a second Ctrl-C wants to stop at once.

    Args:
        keep_epochs: numbered checkpoints to keep; 0 keeps all.
        say: takes a line for the user.
    """

    def __init__(self, folder: Path, keep_epochs: int, say: Callable[[str], None]) -> None:
        self.folder, self.keep_epochs, self._say = folder, keep_epochs, say
        self.failed = self._for_good = False
        self._last = time.monotonic()
        self._error: Exception | None = None
        self._work: dict[str, Any] = {}  # what is being written, or could not be
        self._thread: threading.Thread | None = None

    def save(self, state: dict[str, Any], labels: list[str]) -> None:
        """Writes a `run_state.snapshot`, and its networks under each label.

        Raises: NotFinite, and writes nothing, when a network holds NaN or infinity.
        """
        if broken := not_finite(state["networks"]):
            raise NotFinite(
                f"network {broken} holds values that are no numbers: it is not saved, and the last save "
                f"in {self.folder} is kept"
            )
        self.wait()
        self._last = time.monotonic()
        self._work = {"state": {**state, "labels": labels}, "labels": labels}
        self._start()

    @property
    def late(self) -> bool:
        """Tells whether the last save, or attempt at one, is long ago."""
        return time.monotonic() - self._last > LONGEST

    @property
    def overdue(self) -> bool:
        """Tells whether the last save failed or is long ago."""
        return self.failed or self.late

    def _start(self) -> None:
        # A daemon, because a second Ctrl-C must not have to wait for the disk.
        self._thread = threading.Thread(
            target=self._write, kwargs=self._work, name="saver", daemon=True
        )
        self._thread.start()

    def _write(self, state: dict[str, Any], labels: list[str]) -> None:
        try:
            # The state first: from it `complete_networks` can write the rest, but not the other way round.
            checkpoint.save(self.folder / STATE_FILE, state)
            for label in labels:
                save_networks(self.folder, label, state["networks"])
            if settings := parse_settings(state.get("inference")):
                record_settings(self.folder, labels, settings)
            self._prune(state["progress"]["epoch"])
            self.failed, self._work = False, {}
        except Exception as error:  # whatever it is, training goes on
            self.failed, self._error = True, error
            self._for_good = isinstance(error.__cause__, (IsADirectoryError, NotADirectoryError))

    def _prune(self, epoch: int) -> None:
        """Removes numbered checkpoints of the epochs before this one, beyond the newest `keep_epochs`."""
        numbered = [file for file in list_networks(self.folder) if file.label.isdecimal()]
        reached = sorted({int(file.label) for file in numbered if int(file.label) < epoch})
        removed = set(reached[: -self.keep_epochs] if self.keep_epochs else ())
        for file in numbered:
            if int(file.label) in removed:
                file.path.unlink()

    def wait(self) -> None:
        """Waits until nothing is being written, then reports a failure."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.report()

    def report(self) -> None:
        """Reports a save that has failed since the last call."""
        error, self._error = self._error, None
        if error is not None:
            self._say(f"warning: {error}. What was saved before is whole; it will be tried again")

    def finish(self, stop: StopRequest) -> None:
        """Waits for the last save of a run, and for the disk if that has failed.

        Raises: InputError when it stays so for `PATIENCE` seconds, or the user gives up.
        """
        self.wait()
        until = time.monotonic() + PATIENCE
        if self.failed and not self._for_good and not _asked(stop):
            self._say(
                f"the end of the run is not saved yet: make room for it in {self.folder}, or make it "
                f"writable; tries again for {PATIENCE / 60:.0f} minutes, Ctrl-C gives up"
            )
        while self.failed and not self._for_good and not _asked(stop) and time.monotonic() < until:
            time.sleep(RETRY_SECONDS)
            if not _asked(stop):
                self._say("saving again")
                self._start()
                self.wait()
        if self.failed:
            raise InputError(
                f"the end of this run could not be saved in {self.folder}; what was saved before is whole, "
                "and --continue_train continues from there"
            )

    def __enter__(self) -> Saver:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is None or issubclass(kind, Exception):
            self.wait()


def _asked(stop: StopRequest) -> bool:
    return bool(stop.signal or stop.agreed)


def not_finite(networks: dict[str, dict[str, torch.Tensor]]) -> str:
    """Returns the name of a network with NaN or infinity in its weights, or ""."""
    for name, weights in networks.items():
        for tensor in weights.values():
            # One sum is several times faster than a mask; only an overflowing sum needs the mask.
            if not math.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
                return name
    return ""
