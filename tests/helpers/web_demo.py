"""A page of the browser demo for a small trained run, served as any static web server would."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from scripts import make_web_demo
from scripts.lib.web_demo import runtime
from util.download.packages import fetched
from util.errors import InputError

CACHE = Path(__file__).parents[2] / "datasets/.cache"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address at which a folder can be reached."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_demo(checkpoints: Path, name: str, out: Path, *flags: str) -> Path:
    pytest.importorskip("onnxscript")
    try:
        fetched(runtime.PACKAGE, CACHE)
    except InputError as error:
        pytest.skip(f"onnxruntime-web cannot be had: {error}")
    words = ["--name", name, "--checkpoints_dir", str(checkpoints), "--out", str(out)]
    assert make_web_demo.main([*words, "--cache", str(CACHE), *flags]) == 0
    return out


def canvas(page: Page, name: str) -> np.ndarray:
    """uint8 (H, W, 3): what a canvas of the page shows."""
    rgba = page.evaluate(
        """(name) => {
            const canvas = document.getElementById(name);
            return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
        }""",
        name,
    )
    side = int(len(rgba) ** 0.5) // 2
    return np.array(rgba, np.uint8).reshape(side, side, 4)[..., :3]


def frames(page: Page) -> int:
    return int(page.get_attribute("body", "data-frames") or 0)


def wait_for_frame(page: Page, after: int = 0) -> None:
    """Until one more picture was translated, and nothing is left to do."""
    page.wait_for_function("(n) => Number(document.body.dataset.frames ?? 0) > n", arg=after)
    page.wait_for_timeout(100)
