"""scripts/translate.py on videos."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.translate_script import names, run
from helpers.video import frames_of, read_video, turn, write_video

from models import load_translator
from models.inference.image_kinds import GREY
from util.errors import InputError


def difference(shown: np.ndarray, expected: np.ndarray) -> float:
    """Mean of that of brightness, in grey levels, and at least that of the mean colours: coding halves colours."""
    apart = shown.astype(float) - expected
    return max(np.abs(apart @ GREY).mean(), np.abs(apart.mean((0, 1))).max())


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_video_keeps_its_frames_times_and_sound(checkpoints, tmp_path, ending) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / f"out{ending}"
    write_video(source, frames_of(), times=[0, 1, 2, 4, 5, 8, 9])
    assert run(checkpoints, source, target) == 0
    before, after = read_video(source), read_video(target)
    start = after[1][0]  # some containers move pictures and sound, together
    assert [time - start for time in after[1]] == pytest.approx(before[1], abs=0.002)
    assert 8000 < before[2] <= after[2] <= before[2] + 1024  # which its coding may begin with
    t = load_translator(checkpoints / "cycle", device="cpu")
    for shown, expected in zip(after[0], t(before[0]), strict=True):
        assert shown.shape == expected.shape
        assert difference(shown, expected) < 4


@pytest.mark.parametrize("size", [(35, 47), (34, 47)])
def test_videos_of_odd_sizes_keep_them(checkpoints, tmp_path, size) -> None:
    write_video(tmp_path / "in.mkv", frames_of(2, *size))
    assert run(checkpoints, tmp_path / "in.mkv", tmp_path / "out.mkv") == 0
    assert [shown.shape for shown in read_video(tmp_path / "out.mkv")[0]] == [(*size, 3)] * 2


def test_a_video_that_is_to_be_shown_turned_is_turned(checkpoints, tmp_path) -> None:
    write_video(tmp_path / "in.mp4", frames_of(3))
    upright = read_video(tmp_path / "in.mp4")[0][0]
    turn(tmp_path / "in.mp4")
    assert run(checkpoints, tmp_path / "in.mp4", tmp_path / "out.mp4") == 0
    shown = read_video(tmp_path / "out.mp4")[0][0]
    assert shown.shape == (48, 34, 3)
    t = load_translator(checkpoints / "cycle", device="cpu")
    clockwise, other = t(np.rot90(upright, -1)), t(np.rot90(upright))
    assert difference(shown, clockwise) < 4 < difference(shown, other)


def test_sound_that_the_new_file_cannot_hold_is_left_out_with_a_note(
    checkpoints, tmp_path, capsys
) -> None:
    write_video(tmp_path / "in.mp4", frames_of(2))
    assert run(checkpoints, tmp_path / "in.mp4", tmp_path / "out.webm") == 0
    assert "webm cannot hold aac" in capsys.readouterr().out
    pictures, _, samples = read_video(tmp_path / "out.webm")
    assert (len(pictures), samples) == (2, 0)


def test_a_video_is_told_of_flicker_where_batch_norm_goes_by_the_frame(
    checkpoints, tmp_path, capsys
) -> None:
    write_video(tmp_path / "in.mp4", frames_of(2))
    for name, flags, told in (
        ("noisy", [], True),
        ("noisy", ["--running_statistics"], False),
        ("cycle", [], False),
    ):
        out = tmp_path / "out.mp4"
        assert run(checkpoints, tmp_path / "in.mp4", out, "--overwrite", *flags, name=name) == 0
        assert ("may flicker" in capsys.readouterr().out) == told


def test_a_damaged_video_is_one_message_and_leaves_no_file(checkpoints, tmp_path) -> None:
    write_video(tmp_path / "in.mp4", frames_of(2))
    (tmp_path / "in.mp4").write_bytes((tmp_path / "in.mp4").read_bytes()[:1500])
    with pytest.raises(InputError, match=r"in\.mp4 cannot be translated as a video"):
        run(checkpoints, tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert names(tmp_path) == {"in.mp4"}
