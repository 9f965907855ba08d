"""scripts/timelapse.py: a frame for each epoch, in which the examples keep their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.training_page import log_examples, open_sink
from PIL import Image

from scripts import timelapse
from util.errors import InputError


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Three epochs of two examples, whose outputs get lighter."""
    sink = open_sink(tmp_path / "n/web", "n", epochs=3)
    log_examples(sink, 1, 2, 3)
    return tmp_path


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        found = []
        for number in range(film.n_frames):
            film.seek(number)
            found.append(np.asarray(film.convert("RGB")).astype(int))
    return found


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_the_outputs_change_from_frame_to_frame_and_inputs_stay(suffix, run_folder) -> None:
    out = run_folder / f"film{suffix}"
    words = ["n", "--checkpoints_dir", str(run_folder), "--out", str(out), "--width", "32"]
    assert timelapse.main(words) == 0
    frames = frames_of(out)
    assert len(frames) == 3
    right = frames[0].shape[1] - 20  # within the last example
    rows = [timelapse.HEAD + 16 + row * (32 + timelapse.GAP) for row in range(2)]
    inputs, outputs = ([frame[row, right].mean() for frame in frames] for row in rows)
    assert inputs == pytest.approx([90] * 3, abs=6)
    assert outputs == pytest.approx([40, 80, 120], abs=6)


def test_a_film_can_be_an_mp4_of_one_example(run_folder) -> None:
    av = pytest.importorskip("av")
    out = run_folder / "film.mp4"
    words = ["n", "--checkpoints_dir", str(run_folder), "--out", str(out), "--examples", "2"]
    assert timelapse.main(words) == 0
    with av.open(str(out)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 3 + timelapse.LAST * 4


def test_a_run_without_examples_says_which_flags_leave_them_out(tmp_path) -> None:
    open_sink(tmp_path / "n/web", "n")
    with pytest.raises(InputError, match="--examples 0 or --no_html"):
        timelapse.main(["n", "--checkpoints_dir", str(tmp_path)])


def test_examples_that_are_not_there_are_named(run_folder) -> None:
    with pytest.raises(InputError, match="there are 2 examples, none of them chosen"):
        timelapse.main(["n", "--checkpoints_dir", str(run_folder), "--examples", "7"])
