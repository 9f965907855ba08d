"""Losses and images on a visdom page, without ever keeping training waiting.

The training loop only hands over its newest state. A thread sends it when it gets round to it, and
puts up with a server that is missing, dies, stops answering or comes back empty.
"""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import quote

import numpy as np

from util import visdom_server
from util.logger import At

Curve = list[tuple[float, dict[str, float]]]  # x in epochs, losses
CPU_SHARE = 0.05  # of one core, for drawing
PATIENCE = 240.0  # seconds for a server just started: the first time it fetches its page's scripts


@dataclass(eq=False)
class VisdomSink:
    """Shows loss curves and the newest images. Starts a server on this machine if none is up."""

    server: str  # such as http://localhost
    port: int
    env: str  # visdom's environment
    display_id: int  # window of the curves; the images take those after it
    ncols: int  # images per row of one grid, with its labels in another window; 0: a window each
    name: str  # of the experiment, for titles
    log_path: str | Path  # what a server that is started here writes to
    winsize: int = 256  # width of an image on the page, in pixels
    _: KW_ONLY
    interval: float = 2.0  # least seconds between two redraws
    retry_seconds: float = 60.0  # between two attempts to reach a server that fails
    say: Callable[[str], None] = print  # takes a line for the user

    def __post_init__(self) -> None:
        self.env = re.sub(r"[^\w .+=-]", "_", self.env).strip(" .") or "main"  # in a path and a URL
        environment = "" if self.env == "main" else f"/env/{quote(self.env)}"
        self.url = f"{self.server.rstrip('/')}:{self.port}{environment}"

        self._lock = threading.Condition()  # guards what the training loop hands over
        self._curve: Curve = []
        self._images: Mapping[str, np.ndarray] = {}
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
            self._curve.append((at.x, dict(losses)))
            self._changed("losses")

    scores = losses

    def health(self, at: At, values: Mapping[str, float]) -> None:
        """Not drawn yet."""

    def images(self, at: At, images: Mapping[str, np.ndarray]) -> None:
        """(H, W, 3) or (H, W) uint8, which the caller leaves as they are from now on."""
        with self._lock:
            self._images = dict(images)
            self._changed("images")

    def restore(self, history: Sequence[tuple[float, Mapping[str, float]]]) -> None:
        """Begin the curves with those of the run that is resumed: drawn with its next losses."""
        with self._lock:
            self._curve = [(x, dict(losses)) for x, losses in history]

    def close(self, ending: str = "done") -> None:
        """Send the last state, if that takes no longer than two seconds."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _changed(self, what: str) -> None:
        if not self._unsent:
            self._lock.notify()
        self._unsent.add(what)

    def _work(self) -> None:
        client, pause = None, 0.0
        if self._error is not None:
            pause = self._pause_after(self._error)
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._closing, timeout=pause)
                self._lock.wait_for(lambda: self._closing or self._unsent)
                if not self._unsent:
                    break
                unsent, self._unsent = self._unsent, set()
                curve, images = thinned(self._curve), self._images
            try:  # visdom is imported only now: forking data loaders during an import can hang them
                client = client or visdom_server.connect(self.server, self.port, self.env)
                began = time.thread_time()
                if "losses" in unsent:
                    self._draw_losses(client, curve)
                if "images" in unsent:
                    self._draw_images(client, list(images), list(images.values()))
                pause = max(self.interval, (time.thread_time() - began) / CPU_SHARE)
                self._patient_until = 0.0
            except Exception as error:  # whatever it is, training goes on
                with self._lock:
                    self._unsent = {"losses", "images"}  # a new server has seen none of it
                if self._closing:
                    break
                pause = self._pause_after(error)
        if client is not None:
            client.session.close()

    def _find_server(self) -> None:
        """Start one unless there is one; on another machine that is up to the user."""
        local = visdom_server.is_local(self.server)
        if local and not visdom_server.is_answering(self.server, self.port):
            self._process = visdom_server.start(self.port, self.log_path)
        if self._process is not None:
            self._patient_until = time.monotonic() + PATIENCE
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

    def _draw_losses(self, client: Any, curve: Curve) -> None:
        names = list(dict.fromkeys(name for _, losses in curve for name in losses))
        if not names:
            return
        x = np.array([x for x, _ in curve], dtype=float)
        y = np.array([[losses.get(name, np.nan) for name in names] for _, losses in curve], float)
        y[~np.isfinite(y)] = np.nan  # an infinity would not be JSON
        legend = [html.escape(name) for name in names]
        # Losses that come at different times would leave gaps in each other's lines.
        traces = {"plotly": {name: {"connectgaps": True} for name in legend}}
        opts: dict[str, Any] = {"title": f"{self.name}: losses", "xlabel": "epoch"}
        opts |= {"legend": legend, "traceopts": traces}
        opts |= {"width": 600, "height": 400, "margintop": 30}
        opts["layoutopts"] = {"plotly": {"title": ""}}  # the window has it already
        client.line(y, x, win=str(self.display_id), opts=opts)

    def _draw_images(self, client: Any, labels: list[str], images: list[np.ndarray]) -> None:
        columns, window, width = min(self.ncols, len(images)), self.display_id + 1, self.winsize
        titles = labels
        if columns > 0:
            titles, images = [f"{self.name}: images"], [grid(images, columns)]
            width *= columns
        for number, (title, image) in enumerate(zip(titles, images, strict=True), window):
            height = round(width * image.shape[0] / image.shape[1]) + 10  # the window's own edge
            opts = {"title": title, "width": width, "height": height, "jpgquality": 90}  # fast
            client.image(np.atleast_3d(image).transpose(2, 0, 1), win=str(number), opts=opts)
        if columns > 0:  # visdom passes HTML on as it is: the labels have to be escaped
            cells = [f"<td style='border: 1px solid'>{html.escape(label)}" for label in labels]
            rows = ["".join(cells[i : i + columns]) for i in range(0, len(cells), columns)]
            table = f"<table style='table-layout: fixed' width=100%><tr>{'<tr>'.join(rows)}</table>"
            opts = {"title": f"{self.name}: labels", "width": width, "height": 100}
            client.text(table, win=str(window + 1), opts=opts)


def thinned(curve: Curve, limit: int = 1000) -> Curve:
    """At most `limit` of the points, evenly, with the first and the last."""
    stride = max(1, -(-(len(curve) - 1) // (limit - 1)))
    return curve[:-1:stride] + curve[-1:]


def grid(images: list[np.ndarray], columns: int, padding: int = 2) -> np.ndarray:
    """(H, W, 3) or (H, W) images of any sizes -> one (H', W', 3) image, row by row on white."""
    height, width = (max(image.shape[i] for image in images) + 2 * padding for i in (0, 1))
    canvas = np.full((-(-len(images) // columns) * height, columns * width, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * height + padding, index % columns * width + padding
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = np.atleast_3d(image)
    return canvas
