"""Saving beside the training, and what happens when the disk refuses."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from helpers.runs import content, run

from util.checkpoints import files as checkpoint
from util.checkpoints import saver
from util.checkpoints.saver import Saver, not_finite
from util.distributed.stop import StopRequest
from util.errors import InputError


def state(value: float = 1.0, epoch: int = 1) -> dict:
    weights = {"G": {"w": torch.full((4,), value)}}
    return {"networks": weights, "stateful": {}, "progress": {"epoch": epoch}}


def saving(folder: Path, **settings) -> tuple[Saver, list[str]]:
    said: list[str] = []
    return Saver(folder, settings.get("keep_epochs", 0), said.append), said


def stopped() -> StopRequest:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
    return stop


def test_a_save_writes_the_state_and_the_networks_under_every_label(tmp_path) -> None:
    saving_, said = saving(tmp_path)
    with saving_:
        saving_.save(state(), ["latest", "3"])
    assert {file.name for file in tmp_path.iterdir()} == {
        "latest_state.pth", "latest_net_G.pth", "3_net_G.pth",
    }  # fmt: skip
    assert checkpoint.load(tmp_path / "latest_state.pth")["labels"] == ["latest", "3"]
    assert not said


def test_training_does_not_wait_for_the_disk(tmp_path, monkeypatch) -> None:
    disk = threading.Event()
    write = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *words: (disk.wait(10), write(*words)))
    slow, _ = saving(tmp_path)
    slow.save(state(), ["latest"])
    assert not (tmp_path / "latest_state.pth").exists()
    disk.set()
    slow.wait()
    assert (tmp_path / "latest_net_G.pth").exists()


def test_what_training_does_after_a_snapshot_is_not_in_it(tmp_path) -> None:
    weights = torch.ones(4)
    copied = checkpoint.on_cpu({"w": weights, "view": weights[:2]}, copy=True)
    weights.zero_()
    assert copied["w"].tolist() == [1, 1, 1, 1]
    assert copied["view"].tolist() == [1, 1]


def test_a_failed_save_is_told_once_and_leaves_the_earlier_one(tmp_path) -> None:
    disk, said = saving(tmp_path)
    disk.save(state(1.0), ["latest"])
    disk.wait()
    (tmp_path / "latest_net_G.pth").unlink()
    (tmp_path / "latest_net_G.pth").mkdir()  # in the way
    (tmp_path / "latest_net_G.pth/x").touch()
    disk.save(state(2.0), ["latest"])
    disk.wait()
    disk.wait()
    assert disk.failed
    assert len(said) == 1
    assert "latest_net_G.pth" in said[0]
    assert not list(tmp_path.glob(".*"))


def test_the_end_of_a_run_waits_for_the_disk(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(saver, "RETRY_SECONDS", 0.01)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    disk, said = saving(blocked)
    disk.save(state(), ["latest"])

    disk.wait()
    threading.Timer(0.05, blocked.unlink).start()
    disk.finish(StopRequest())
    assert (blocked / "latest_state.pth").exists()
    assert any("tries again for 10 minutes" in line for line in said)


def test_who_asks_to_stop_does_not_wait_for_a_disk_that_is_full(tmp_path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    disk, _ = saving(tmp_path / "blocked")
    disk.save(state(), ["latest"])
    started = time.monotonic()
    with pytest.raises(InputError, match="could not be saved"):
        disk.finish(stopped())
    assert time.monotonic() - started < 5


def test_numbered_checkpoints_of_another_longer_run_are_left_alone(tmp_path) -> None:
    for number in (1, 2, 3, 90):
        checkpoint.save(tmp_path / f"{number}_net_G.pth", {})
    disk, _ = saving(tmp_path, keep_epochs=2)
    disk.save(state(epoch=5), ["latest", "4"])
    disk.wait()
    assert {file.name for file in tmp_path.glob("[0-9]*")} == {
        "3_net_G.pth", "4_net_G.pth", "90_net_G.pth",
    }  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_never_saved(tmp_path, value) -> None:
    disk, _ = saving(tmp_path)
    disk.save(state(), ["latest"])
    with pytest.raises(InputError, match="network G holds values that are no numbers"):
        disk.save(state(value), ["latest"])
    disk.wait()
    assert checkpoint.load(tmp_path / "latest_net_G.pth")["w"].tolist() == [1, 1, 1, 1]


def test_large_weights_are_numbers() -> None:
    assert not not_finite({"G": {"w": torch.full((8,), 3e38)}})  # though their sum is infinite


def test_losses_that_are_no_numbers_stop_the_run_and_keep_the_last_save(paired, tmp_path) -> None:
    # Without norms a product of layers overflows in the second step, however sums are rounded.
    flags = ("--norm", "none")
    folder = run(paired, tmp_path, "n", *flags)
    before = content(folder)
    with pytest.raises(InputError, match=r"became NaN or infinite") as stop:
        run(paired, tmp_path, "n", *flags, "--continue_train", "--n_epochs", "2", "--lr", "1e10")
    assert "likely cause: --lr 1e+10 is high" in str(stop.value)
    after = content(folder)
    assert after["progress"]["epoch"] == before["progress"]["epoch"]


def test_a_log_line_that_the_disk_refuses_comes_later(tmp_path, caplog) -> None:
    from util.logs.logger import At
    from util.logs.sinks.loss_log import LossLogSink

    path = tmp_path / "loss_log.txt"
    sink = LossLogSink(path)
    path.rename(tmp_path / "away")
    path.mkdir()
    for images in (1, 2):
        sink.losses(At(1, images, images, 0.0), {"G": 1.0})
    path.rmdir()
    (tmp_path / "away").rename(path)
    sink.losses(At(1, 3, 3, 0.0), {"G": 1.0})
    assert [line.split(",")[1] for line in path.read_text().splitlines()[1:]] == [
        " iters: 1", " iters: 2", " iters: 3",
    ]  # fmt: skip
    assert caplog.text.count("its lines wait until that works again") == 1
