"""A real visdom server, and what arrived at it."""

import importlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from util.logs.logger import At
from util.logs.visdom import server as visdom_server
from util.logs.visdom.sink import VisdomSink

needs_visdom = pytest.mark.skipif(visdom_server.find_visdom() is None, reason="needs visdom")


IMAGES = {
    "real_A": np.full((8, 8, 3), 200, np.uint8),
    "<script>document.title = 'broken into'</script>": np.zeros((8, 6), np.uint8),
    "rec_A": np.full((4, 8, 3), 90, np.uint8),
}


def at(x):
    return At(epoch=int(x) + 1, epoch_images=0, run_images=0, x=x, lr=0.5)


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running_server(port, folder):
    command = [sys.executable, visdom_server.SCRIPT, "--port", port, "--env_path", folder]
    with open(folder / "server.log", "ab") as log:
        process = subprocess.Popen(
            [*map(str, command), "--download_seconds", "5"], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: visdom_server.is_answering("localhost", port), 90)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    importlib.import_module("visdom")  # takes longer than a sink's close() would wait

    port = free_port()
    with running_server(port, tmp_path_factory.mktemp("visdom")):
        yield port


def post(port, path, content, **headers):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}", json.dumps(content).encode(), headers
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read().decode()


def windows(port, env):
    """Window -> what the server has of it."""
    try:
        return json.loads(post(port, "win_data", {"win": None, "eid": env}))
    except urllib.error.HTTPError as error:  # 500 before there is such an environment
        error.close()
        return {}


def curve(port, env, window="1"):
    """{loss: its points} as the server has them."""
    traces = windows(port, env).get(window, {}).get("content", {}).get("data", [])
    return {it["name"]: list(zip(it["x"], it["y"], strict=True)) for it in traces}


@contextmanager
def sink(port, env, lines=None, folder=Path(), **options):
    options = {"display_id": 1, "ncols": 2, "interval": 0.1, "retry_seconds": 0.3} | options
    options = {"name": env} | options
    server = options.pop("server", "http://localhost")
    lines = [] if lines is None else lines
    sink = VisdomSink(
        server, port, env, log_path=folder / "visdom.log", say=lines.append, **options
    )
    try:
        yield sink
    finally:
        sink.close()
