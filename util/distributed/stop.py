"""Ctrl-C, SIGTERM and a closed terminal as a request that is granted between two steps."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# SIGHUP: the terminal was closed, or an ssh connection lost. Windows has none.
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class StopRequest:
    """While entered, the first signal only asks; a second one acts as it always does.

    Under torchrun later ones ask the same: Ctrl-C comes from the terminal and then from torchrun, which ends by
    force what has not ended after half a minute.

    Attributes:
        agreed: the signal on which all processes have agreed to stop, or 0.
    """

    def __init__(self) -> None:
        self.agreed = self._asked = 0
        self._launcher = os.getppid() if "TORCHELASTIC_RUN_ID" in os.environ else 0
        self._before: dict[int, Any] = {}

    @property
    def signal(self) -> int:
        """The signal that has come, or 0. SIGTERM also when torchrun has died: another may start in its place."""
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()
