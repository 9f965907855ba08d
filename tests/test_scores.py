"""Scores that can be computed by hand, and the table that the demo prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from util.scores import mean_image, score

GREY = np.full((4, 4, 3), 100, np.uint8)
SCRIPT = Path(__file__).parent.parent / "scripts/demo.py"


def test_a_difference_of_51_levels_is_a_fifth_and_14_decibels() -> None:
    value = score([(GREY, GREY + np.uint8(51))])
    assert value.l1 == pytest.approx(0.2)
    assert value.psnr == pytest.approx(20 * np.log10(5))


def test_scores_are_means_over_images_and_a_copy_is_finite() -> None:
    value = score([(GREY, GREY), (GREY, GREY + np.uint8(51))])
    assert value.l1 == pytest.approx(0.1)
    assert value.psnr == pytest.approx((20 * np.log10(5) + 20 * np.log10(510)) / 2)


def test_nothing_has_no_score() -> None:
    with pytest.raises(ValueError, match="no images"):
        score([])


def test_the_mean_image_is_rounded_to_the_nearest_level() -> None:
    assert np.array_equal(mean_image([GREY, GREY + np.uint8(3)]), GREY + np.uint8(2))


def test_the_demo_sets_the_model_beside_trivial_answers(tmp_path, capsys) -> None:
    spec = importlib.util.spec_from_file_location("demo", SCRIPT)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    (tmp_path / "trainB").mkdir()
    (tmp_path / "images").mkdir()
    Image.fromarray(GREY).save(tmp_path / "trainB/0.png")
    for label, level in (("real_A", 0), ("fake_B", 151), ("real_B", 151)):
        Image.fromarray(np.full((4, 4, 3), level, np.uint8)).save(
            tmp_path / f"images/7_{label}.png"
        )
    demo.report(tmp_path, tmp_path / "images", "B")
    out = capsys.readouterr().out
    assert "A -> B, 1 test images" in out
    assert "trained model                0.000  54.15 dB" in out
    assert "input as output              0.592   4.55 dB" in out
    assert "mean training image          0.200  13.98 dB" in out
