"""The visdom sink with a real server."""

import json
import os
import socket
import sys
import time
import urllib.request

import numpy as np
import pytest
from visdom_helpers import (
    IMAGES,
    at,
    free_port,
    needs_visdom,
    post,
    running_server,
    sink,
    wait_until,
)

from util import visdom_server
from util.sinks.visdom_sink import grid, thinned

pytestmark = pytest.mark.timeout(120)


def windows(port, env):
    try:
        return json.loads(post(port, "win_data", {"win": None, "eid": env}))
    except urllib.error.HTTPError as error:  # 500 before there is such an environment
        error.close()
        return {}


def curve(port, env, window="1"):
    """{loss: its points} as the server has them."""
    traces = windows(port, env).get(window, {}).get("content", {}).get("data", [])
    return {it["name"]: list(zip(it["x"], it["y"], strict=True)) for it in traces}


@needs_visdom
def test_curves_and_images_arrive_past_a_proxy_variable(port, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    lines = []
    with sink(port, "arrive", lines) as visdom:
        for epoch in range(3):
            visdom.losses(at(epoch), {"G": epoch / 2, "D": float("inf")})
        visdom.images(at(2), IMAGES)
    assert curve(port, "arrive")["G"] == [(0, 0), (1, 0.5), (2, 1)]
    assert [y for _, y in curve(port, "arrive")["D"]] == [None] * 3
    assert windows(port, "arrive")["2"]["content"]["src"].startswith("data:image/jpeg")
    assert "real_A" in windows(port, "arrive")["3"]["content"]
    assert lines == []


@needs_visdom
def test_labels_are_escaped(port):
    with sink(port, "labels") as visdom:
        visdom.images(at(0), IMAGES)
    table = windows(port, "labels")["3"]["content"]
    assert "&lt;script&gt;" in table
    assert "<script>" not in table


@needs_visdom
def test_without_columns_every_image_has_a_window(port):
    with sink(port, "apart", display_id=7, ncols=0) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.images(at(0), IMAGES)
    titles = {window: it["title"] for window, it in windows(port, "apart").items()}
    assert titles == dict(zip(["7", "8", "9", "10"], ["apart: losses", *IMAGES], strict=True))


@needs_visdom
def test_a_resumed_run_draws_its_whole_curve_into_the_same_window(port):
    with sink(port, "a/resumed run") as visdom:
        visdom.losses(at(0), {"G": 3.0})
    with sink(port, "a/resumed run") as visdom:
        visdom.restore([(0.0, {"G": 3.0}), (1.0, {"G": 2.0})])
        visdom.losses(at(2), {"G": 1.0})
    assert curve(port, "a_resumed run") == {"G": [(0, 3), (1, 2), (2, 1)]}
    assert len(windows(port, "a_resumed run")) == 1


@needs_visdom
def test_a_server_that_comes_back_gets_the_whole_curve_after_one_warning(tmp_path):
    port, lines = free_port(), []
    with running_server(port, tmp_path) as server, sink(port, "back", lines) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.images(at(0), IMAGES)
        wait_until(lambda: "3" in windows(port, "back"))
        server.kill()
        server.wait()
        for epoch in range(1, 4):
            visdom.losses(at(epoch), {"G": 1.0})
            time.sleep(0.3)
        assert len(lines) == 1, lines
        with running_server(port, tmp_path):
            wait_until(lambda: len(curve(port, "back").get("G", [])) == 4)
            wait_until(lambda: "3" in windows(port, "back"))
    assert len(lines) == 1, lines


@needs_visdom
def test_a_server_that_never_answers_keeps_nobody_waiting(tmp_path):
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with sink(listener.getsockname()[1], "stuck", lines, tmp_path) as visdom:
            began = time.perf_counter()
            for step in range(1000):
                visdom.losses(at(step), {"G": 1.0})
                visdom.images(at(step), IMAGES)
            assert time.perf_counter() - began < 1
            wait_until(lambda: lines)
            began = time.perf_counter()
        assert time.perf_counter() - began < 2.5
    assert len(lines) == 1
    assert not (tmp_path / "visdom.log").exists()  # none is started on a port that is taken


@needs_visdom
def test_without_a_server_one_is_started_and_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # its environments are kept there
    port, lines = free_port(), []
    with sink(port, "main", lines, tmp_path) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        wait_until(lambda: lines)
        try:
            wait_until(lambda: visdom_server.is_answering("localhost", port), 90)
            wait_until(lambda: curve(port, "main"))
            assert os.getpgid(visdom._process.pid) != os.getpgid(0)
            visdom.close()
            assert visdom_server.is_answering("localhost", port)
        finally:
            visdom._process.terminate()
            visdom._process.wait()
    assert lines == [f"Starting visdom: http://localhost:{port} (its log: {tmp_path}/visdom.log)"]


@needs_visdom
def test_no_server_is_started_for_another_machine(tmp_path):
    lines = []
    with sink(free_port(), "far", lines, tmp_path, server="http://127.0.0.2") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        wait_until(lambda: lines)
    assert "fails" in lines[0]
    assert not (tmp_path / "visdom.log").exists()


def test_without_visdom_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "visdom", None)
    lines = []
    with sink(free_port(), "none", lines) as visdom:
        visdom.losses(at(0), {"G": 1.0})
    assert len(lines) == 1
    assert "pip install visdom" in lines[0]


def test_a_thinned_curve_keeps_its_ends():
    for length in (1, 2, 999, 1000, 1001, 2001, 12345):
        points = [(float(x), {}) for x in range(length)]
        assert len(thinned(points)) <= 1000
        assert thinned(points)[0] == points[0]
        assert thinned(points)[-1] == points[-1]
    assert thinned([]) == []


def test_a_grid_is_filled_row_by_row_on_white():
    black, grey = np.zeros((2, 2), np.uint8), np.full((1, 2, 3), 9, np.uint8)
    canvas = grid([black, grey, black], columns=2, padding=1)
    assert canvas.shape == (8, 8, 3)
    assert canvas[1:3, 1:3].max() == 0
    assert canvas[1, 5:7].max() == 9
    assert canvas[2, 5:7].min() == 255  # the smaller image leaves white
    assert canvas[5:7, 5:7].min() == 255  # as does the missing one
