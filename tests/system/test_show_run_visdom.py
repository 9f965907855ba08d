"""Runs of which nothing is left but their files are shown in visdom."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.visdom import at, curve, free_port, needs_visdom, wait_until, windows

from scripts import show_run
from scripts.lib.show_run import visdom
from util.errors import InputError
from util.images import save_image
from util.logs.records import FILE
from util.logs.sinks.record import RecordSink

pytestmark = [pytest.mark.usefixtures("warm"), needs_visdom, pytest.mark.timeout(120)]

START = {"name": "old", "last_epoch": 2, "epoch_images": 10, "options": {"lr": 0.1}}


@pytest.fixture
def sink(tmp_path: Path) -> RecordSink:
    """The record of a run `old` in the second of two epochs, with images of both, and of an even older one."""
    (tmp_path / "old").mkdir()
    sink = RecordSink(tmp_path / "old" / FILE, START)
    for x in (0, 1):
        sink.losses(at(x), {"G": 1.0 + x})
    sink.scores(at(1), {"val_l1": 0.5})
    for epoch, size in ((1, 8), (2, 16), (3, 32)):
        for label in ("real_A", "fake_B"):
            image = np.full((size, size, 3), 9, np.uint8)
            save_image(tmp_path / f"old/web/images/epoch{epoch:03d}_{label}.png", image)
    return sink


def words(folder: Path, port: int, env: str, *more: str) -> list[str]:
    place = ["--display_port", str(port), "--display_env", env]
    return ["visdom", "old", "--checkpoints_dir", str(folder), *place, *more]


@pytest.mark.usefixtures("sink")
def test_a_run_is_shown_with_its_curves_and_the_images_of_its_last_epoch(tmp_path, port, capsys):
    assert show_run.main(words(tmp_path, port, "replayed", "--display_ncols", "0")) == 0
    shown = windows(port, "replayed")
    assert curve(port, "replayed") == {"G": [(0, 1), (1, 2)]}
    assert curve(port, "replayed", "1_scores") == {"val_l1": [(1, 0.5)]}
    assert [shown[number]["title"] for number in ("2", "3")] == ["real_A", "fake_B"]
    assert "2 of 2" in shown["1_run"]["content"]
    assert f"http://localhost:{port}/env/replayed" in capsys.readouterr().out


def test_a_run_that_goes_on_is_followed_to_its_end(tmp_path, port, sink):
    command = [sys.executable, show_run.__file__, *words(tmp_path, port, "go", "--follow")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(curve(port, "go").get("G", [])) == 2, 60)
        sink.losses(at(2), {"G": 5.0})
        wait_until(lambda: len(curve(port, "go")["G"]) == 3)
        assert "running" in windows(port, "go")["1_run"]["content"]
        sink.close("done")
        assert process.wait(30) == 0
        assert "done" in windows(port, "go")["1_run"]["content"]
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("sink")
def test_a_server_is_started_where_none_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    started = []
    monkeypatch.setattr(
        visdom.visdom_server,
        "start",
        lambda *given, start=visdom.visdom_server.start: (
            started.append(start(*given)) or started[0]
        ),
    )
    port = free_port()
    try:
        assert show_run.main(words(tmp_path, port, "main")) == 0
        assert curve(port, "main")
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait()


def test_a_run_that_is_not_there_and_a_server_that_does_not_answer_are_told(tmp_path, sink):
    with pytest.raises(InputError, match=r"cannot read .*new/metrics\.jsonl .*NAME"):
        show_run.main(["visdom", "new", "--checkpoints_dir", str(tmp_path)])
    far = ["--display_server", "http://127.0.0.2"]
    with pytest.raises(InputError, match="no visdom answers at http://127.0.0.2:"):
        show_run.main(words(tmp_path, free_port(), "x", *far))
    with pytest.raises(SystemExit, match="2"):
        show_run.main(words(tmp_path, 1, "x", "--display_id", "0"))
