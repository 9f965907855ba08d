"""The life of loader processes: as long as the main process, whatever signals reach them, and no longer."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from util.distributed.stop import SIGNALS

T = TypeVar("T")


class Workers:
    """The processes that a loader has started; they end with this object at the latest."""

    def __init__(self) -> None:
        self._processes: set[Any] = set()
        # They ignore the gentle signal by which Python ends children at its exit, and then waits for them.
        Finalize(self, _kill, args=(self._processes,), exitpriority=10)

    def started_by(self, call: Callable[[], T]) -> T:
        """Calls, and returns the result; processes that it starts belong here."""
        before = set(multiprocessing.active_children())
        result = call()
        self._processes |= set(multiprocessing.active_children()) - before
        if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
            # PyTorch would raise in the middle of a training step; so it does when it next waits for a batch.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return result

    def kill(self) -> None:
        _kill(self._processes)


def _kill(processes: set[Any]) -> None:
    for process in processes:
        process.kill()
    processes.clear()


def live_and_die_with_the_main_process(worker: int) -> None:
    """Ctrl-C, and SIGTERM from job schedulers, reach all processes; workers must last until the run is saved.

    But not longer than the main process: PyTorch sees the death of the process that started them, which
    with Python's start method "forkserver" is another one.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if main_process := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(main_process,), daemon=True).start()


def _end_after(process: Any) -> None:
    process.join()
    os._exit(1)
