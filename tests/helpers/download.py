"""A server on this machine that can misbehave, and archives for it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

MINI = "/cyclegan/datasets/mini.zip"


class Mirror(ThreadingHTTPServer):
    """Serves `files`; the other fields make it misbehave."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = {}
        self.etag = '"first"'
        self.has_ranges = True
        self.minds_if_range = True
        self.cuts = []  # bytes after which the next answers break off
        self.statuses = []  # of the next answers, instead of the file
        self.stall = threading.Event()  # set: sends half, then nothing
        self.go_on = threading.Event()
        self.ranges, self.served = [], 0  # what was asked for, and the bytes of all answers


class Answer(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        mirror = self.server
        mirror.ranges.append(self.headers.get("Range"))
        if mirror.statuses:
            self.send_error(mirror.statuses.pop(0))
        elif self.path.startswith("/moved/"):
            self.head(302, Location=self.path.removeprefix("/moved/"))
        elif self.path not in mirror.files:
            self.send_error(404)
        else:
            self.send_file(mirror, mirror.files[self.path])

    def send_file(self, mirror, content):
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range") == mirror.etag or not mirror.minds_if_range
        start = int(asked[6:-1]) if asked and mirror.has_ranges and same else 0
        if start >= len(content) > 0:
            self.head(416, Content_Range=f"bytes */{len(content)}", ETag=mirror.etag)
            return
        last = len(content) - 1
        where = {"Content_Range": f"bytes {start}-{last}/{last + 1}"} if start else {}
        length = getattr(content, "claims", last + 1 - start)
        self.head(206 if start else 200, Content_Length=str(length), ETag=mirror.etag, **where)
        body = content[start:]
        if mirror.cuts:
            body = body[: mirror.cuts.pop(0)]
        if mirror.stall.is_set():
            body = body[: len(body) // 2]
        mirror.served += len(body)
        self.wfile.write(body)
        if mirror.stall.is_set():
            self.wfile.flush()
            mirror.go_on.wait(20)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mirror = Mirror()
    monkeypatch.setenv("IMG2IMG_DOWNLOAD_URL", mirror.url)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield mirror
    mirror.go_on.set()
    mirror.shutdown()
    thread.join()
    mirror.server_close()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
