"""Requests to stop, granted between two steps: Ctrl-C, SIGTERM, SIGUSR1, a closed terminal, a time limit."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

# SIGHUP: the terminal was closed, or an ssh connection lost. SIGUSR1: a batch system's warning. Windows has neither.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
SIGNALS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
# What `agreed` is at the time limit; greater than any signal.
TIME_LIMIT = 1000
# Exit status of a run that was saved and can go on (EX_TEMPFAIL of sysexits.h); a kill ends with 128 + its signal.
STOPPED = 75


class StopRequest:
    """While entered, the first signal only asks; a second one acts as it always does.

    Under torchrun later ones ask the same: Ctrl-C comes from the terminal and then from torchrun, which ends by
    force what has not ended after half a minute.

    Args:
        hours: after which it asks by itself; 0 is never.
    Attributes:
        agreed: the signal, or TIME_LIMIT, on which all processes have agreed to stop, or 0.
    """

    def __init__(self, hours: float = 0.0) -> None:
        self._deadline = time.monotonic() + 3600 * hours if hours else None
        self.agreed = self._asked = 0
        self._launcher = os.getppid() if "TORCHELASTIC_RUN_ID" in os.environ else 0
        self._before: dict[int, Any] = {}

    @property
    def signal(self) -> int:
        """The signal that has come, or 0. SIGTERM also when torchrun has died: another may start in its place."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            return TIME_LIMIT
        orphaned = self._launcher and os.getppid() != self._launcher
        return self._asked or (signal.SIGTERM if orphaned else 0)

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._ask)  # nohup ignores SIGHUP
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        if not self._launcher:
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._before = {}

    def __exit__(self, *error: object) -> None:
        self._restore()
