"""TensorBoard's own reader finds what was logged."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.runs import run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from util.errors import InputError
from util.logs.logger import At
from util.logs.sinks.tensorboard import TensorBoardSink


def at(images: int) -> At:
    return At(1, images, images, images / 100, lr=0.1)


def shown(folder: Path) -> EventAccumulator:
    """What TensorBoard makes of a folder."""
    return EventAccumulator(str(folder)).Reload()


def steps(folder: Path, tag: str) -> list[int]:
    return [event.step for event in shown(folder).Scalars(tag)]


def test_numbers_images_and_options_arrive(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path, {"netG": "a|b", "lr": 0.1})
    sink.losses(at(50), {"G_GAN": 0.5, "D": math.inf})
    sink.scores(at(100), {"val_l1": 0.25})
    sink.health(at(100), {"D_real": 0.75})
    grey, colour = np.zeros((4, 6), np.uint8), np.full((4, 6, 3), 255, np.uint8)
    sink.images(at(100), {"real_A": grey, "fake_B": colour})
    sink.examples(at(100), [{"real_A": grey, "fake_B": colour}] * 2)
    sink.hint(at(100), "D has won")
    sink.close("done")

    board = shown(tmp_path)
    values = {tag: board.Scalars(tag)[0].value for tag in board.Tags()["scalars"]}
    assert values == pytest.approx({
        "losses/G_GAN": 0.5, "losses/D": math.inf, "scores/val_l1": 0.25, "health/D_real": 0.75,
        "epoch": 0.5, "learning_rate": 0.1,
    })  # fmt: skip
    assert [event.step for event in board.Scalars("scores/val_l1")] == [100]
    for name in ("real_A", "fake_B"):
        picture = board.Images(f"images/{name}")[0]
        assert (picture.step, picture.height, picture.width) == (100, 4, 6)
    example = board.Images("examples/2: real_A, fake_B")[0]
    assert (example.step, example.height, example.width) == (100, 4 + 4, 2 * (6 + 4))
    assert board.Tensors("hints/text_summary")[0].tensor_proto.string_val[0] == b"D has won"
    text = board.Tensors("options/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| netG | a\\|b |" in text.splitlines()


def test_a_continued_run_shows_no_step_twice(tmp_path: Path) -> None:
    def log(images: int | None, *when: int) -> None:
        sink = TensorBoardSink(tmp_path, {}, images)
        for step in when:
            sink.losses(at(step), {"G": 1.0})
        sink.close("stopped")

    log(None, 100, 200, 300)
    log(200, 290, 390)  # the kill came after 300, the last save before it at 200
    assert steps(tmp_path, "losses/G") == [100, 200, 290, 390]
    log(None, 50)
    assert steps(tmp_path, "losses/G") == [50]  # another run of that name


def test_a_training_and_its_continuation_are_one_curve(paired, tmp_path) -> None:
    flags = ["--use_tensorboard", "--print_freq", "2", "--display_freq", "4", "--val_freq", "1"]
    folder = run(paired, tmp_path, "board", *flags)
    run(paired, tmp_path, "board", *flags, "--n_epochs", "2", "--continue_train")
    board = shown(folder / "tensorboard")
    assert steps(folder / "tensorboard", "losses/G_L1") == [2, 4, 6, 8, 10, 12]
    assert steps(folder / "tensorboard", "scores/val_psnr") == [6, 12]
    assert {"images/real_A", "images/fake_B", "images/real_B"} <= set(board.Tags()["images"])


def test_without_the_package_an_error_says_how_to_get_it(paired, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        run(paired, tmp_path, "board", "--use_tensorboard")
    assert not (tmp_path / "board").exists()
