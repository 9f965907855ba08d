"""A visdom server that is missing, slow, lost or replaced never holds up a training."""

import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from helpers.visdom import (
    IMAGES,
    at,
    curve,
    free_port,
    needs_visdom,
    post,
    running_server,
    sink,
    wait_until,
    windows,
)

from util.logs.visdom import server as visdom_server

pytestmark = pytest.mark.timeout(120)


@needs_visdom
def test_a_server_that_comes_back_gets_the_whole_curve_after_one_warning(tmp_path):
    port, lines = free_port(), []
    with running_server(port, tmp_path) as server, sink(port, "back", lines) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.scores(at(0), {"val_l1": 1.0})
        visdom.images(at(0), IMAGES)
        wait_until(lambda: "3" in windows(port, "back"))
        server.kill()
        server.wait()
        for epoch in range(1, 4):
            visdom.losses(at(epoch), {"G": 1.0})
        wait_until(lambda: lines)
        with running_server(port, tmp_path):
            wait_until(lambda: len(curve(port, "back").get("G", [])) == 4)
            wait_until(lambda: "3" in windows(port, "back"))
            assert curve(port, "back", "1_scores") == {"val_l1": [(0, 1)]}
    assert len(lines) == 1, lines


@needs_visdom
def test_an_empty_server_in_place_of_the_old_one_gets_everything_with_the_next_losses(port):
    with sink(port, "emptied") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.scores(at(0), {"val_l1": 1.0})
        visdom.images(at(0), IMAGES)
        wait_until(lambda: "3" in windows(port, "emptied"))
        post(port, "close", {"win": None, "eid": "emptied"})
        visdom.losses(at(1), {"G": 1.0})
        wait_until(lambda: len(windows(port, "emptied")) == 6)
    assert [len(points) for points in curve(port, "emptied").values()] == [2]


@needs_visdom
def test_a_server_that_never_answers_keeps_nobody_waiting(tmp_path, capfd):
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
    assert capfd.readouterr() == ("", "")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"


@contextmanager
def service(piece: bytes, pause: float, start: bytes = HEAD):
    """Another service on a port, whose answer is `piece` again and again; yields the port and the bytes sent."""
    sent, stop = [0], threading.Event()

    def answer(connection):
        with connection, suppress(OSError):
            connection.sendall(start)
            while not stop.wait(pause):
                sent[0] += connection.send(piece)

    def accept():
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=answer, args=listener.accept()[:1]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        yield listener.getsockname()[1], sent
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()


@needs_visdom
@pytest.mark.parametrize(
    ("piece", "pause", "start"),
    [(b"x", 0.2, HEAD), (b"x", 0.2, b""), (b"x" * 65536, 0, HEAD), (b"x" * 65536, 0, b"")],
    ids=["drips", "drips from the start", "never ends", "never ends and is no HTTP"],
)
def test_another_service_on_the_port_keeps_nobody_waiting(piece, pause, start, tmp_path):
    lines = []
    with service(piece, pause, start) as (port, sent):
        began = time.perf_counter()
        with sink(port, "other", lines, tmp_path) as visdom:
            assert time.perf_counter() - began < 3
            visdom.losses(at(0), {"G": 1.0})
            wait_until(lambda: lines)
        assert sent[0] < 64 << 20  # what the sockets' buffers hold, a few times
    assert len(lines) == 1
    assert "fails" in lines[0]


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
