"""Losses and images on a visdom page, without ever keeping training waiting.

The training loop only hands over its newest state. A thread sends it when it gets round to it, and
puts up with a server that is missing, dies, stops answering or comes back empty.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from subprocess import Popen

import numpy as np

from util.logs.logger import At, Sink
from util.logs.records import Record
from util.logs.visdom import server as visdom_server
from util.logs.visdom.windows import KINDS, Windows

CPU_SHARE = 0.05  # of one core, for drawing


@dataclass(eq=False)
class VisdomSink(Sink):
    """Shows a run's curves, newest images and state. Starts a server on this machine if none is up."""

    server: str  # such as http://localhost
    port: int
    env: str  # visdom's environment
    display_id: int  # window of the losses; the images take those after it
    ncols: int  # images per row of one grid, with its labels in another window; 0: a window each
    name: str  # of the experiment, for titles
    log_path: str | Path  # what a server that is started here writes to
    winsize: int = 256  # width of an image on the page, in pixels
    _: KW_ONLY
    interval: float = 2.0  # least seconds between two redraws
    retry_seconds: float = 60.0  # between two attempts to reach a server that fails
    say: Callable[[str], None] = print  # takes a line for the user

    def __post_init__(self) -> None:
        self.env = visdom_server.environment(self.env)
        self.url = visdom_server.page_url(self.server, self.port, self.env)

        self._lock = threading.Condition()  # guards what the training loop hands over
        self._record = Record(name=self.name)
        self._images: Mapping[str, np.ndarray] = {}
        self._examples: Sequence[Mapping[str, np.ndarray]] = ()
        self._unsent: set[str] = set()
        self._closing = False
        self._process: Popen | None = None  # the server, if it was started here
        self._patient_until = 0.0
        self._warned = False
        self._thread = threading.Thread(target=self._work, name="visdom", daemon=True)
        self._error: Exception | None = None  # of looking for a server
        if visdom_server.find_visdom():
            # Not in the thread: data loader workers, forked meanwhile, would inherit what a new process
            # is waited for with, and keep it open.
            try:
                self._find_server()
            except Exception as error:  # such as a port that cannot be one
                self._error = error
            self._thread.start()
        else:
            self.say(f"{visdom_server.INSTALL} (or do without it: --display_id 0)")

    def losses(self, at: At, losses: Mapping[str, float]) -> None:
        with self._lock:
            self._record.losses.append((at, dict(losses)))
            self._record.times.append(time.time())
            self._changed("losses")

    def scores(self, at: At, scores: Mapping[str, float]) -> None:
        with self._lock:
            self._record.scores.append((at, dict(scores)))
            self._changed("scores")

    def health(self, at: At, values: Mapping[str, float]) -> None:
        with self._lock:
            self._record.health.append((at, dict(values)))
            self._changed("health")

    def images(self, at: At, images: Mapping[str, np.ndarray]) -> None:
        """Takes (H, W, 3) or (H, W) uint8, which the caller leaves as they are from now on."""
        with self._lock:
            self._images = dict(images)
            self._changed("images")

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        with self._lock:
            self._examples = list(pictures)
            self._changed("examples")

    def hint(self, at: At, text: str) -> None:
        with self._lock:
            self._record.hints.append((at, text))
            self._changed("run")

    def restore(self, record: Record) -> None:
        """Begins with what the run that goes on has shown: drawn with its next losses."""
        with self._lock:
            self._record = record

    def close(self, ending: str = "done", reason: str = "") -> None:
        """Sends the last state, if that takes no longer than two seconds."""
        with self._lock:
            self._closing, self._record.ending = True, ending
            self._record.reason = reason
            if self._record.losses:
                self._unsent.add("run")
            self._lock.notify()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _changed(self, what: str) -> None:
        if not self._unsent:
            self._lock.notify()
        self._unsent.add(what)

    def _work(self) -> None:
        client, windows, pause = None, None, 0.0
        if self._error is not None:
            pause = self._pause_after(self._error)
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._closing, timeout=pause)
                self._lock.wait_for(lambda: self._closing or self._unsent)
                if not self._unsent:
                    break
                unsent, self._unsent = self._unsent, set()
                record, images = copied(self._record), self._images
                examples = self._examples
            try:  # visdom is imported only now: forking data loaders during an import can hang them
                client = client or visdom_server.connect(self.server, self.port, self.env)
                began = time.thread_time()
                if windows is None or not windows.are_there():  # or they are gone with their server
                    unsent = set(KINDS)
                windows = Windows(client, self.display_id, self.ncols, self.winsize)
                windows.draw(record, images, unsent, examples)
                pause = max(self.interval, (time.thread_time() - began) / CPU_SHARE)
                self._patient_until = 0.0
            except Exception as error:  # whatever it is, training goes on
                with self._lock:
                    self._unsent = set(KINDS)  # a new server has seen none of it
                if self._closing:
                    break
                pause = self._pause_after(error)
        if client is not None:
            client.session.close()

    def _find_server(self) -> None:
        """Starts one unless there is one; on another machine that is up to the user."""
        local = visdom_server.is_local(self.server)
        if local and not visdom_server.is_answering(self.server, self.port):
            self._process = visdom_server.start(self.port, self.log_path)
        if self._process is not None:
            self._patient_until = time.monotonic() + visdom_server.PATIENCE
            self.say(f"Starting visdom: {self.url} (its log: {self.log_path})")

    def _pause_after(self, error: Exception) -> float:
        starting = self._process is not None and self._process.poll() is None
        if starting and time.monotonic() < self._patient_until:
            return min(1.0, self.retry_seconds)
        if not self._warned:
            self._warned = True
            self.say(
                f"visdom at {self.url} fails ({error}). Training goes on without it, and tries "
                f"again every {self.retry_seconds:g} seconds."
            )
        return self.retry_seconds


def copied(record: Record) -> Record:
    """Copies a record, without what is added to the first one later."""
    copy = replace(record)
    for name in ("losses", "scores", "health", "times", "hints"):
        setattr(copy, name, list(getattr(record, name)))
    return copy
