"""Trivial answers, whether a difference is chance, and the table that the demo prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from util.metrics.baselines import mean_image
from util.metrics.bootstrap import paired_difference

GREY = np.full((4, 4, 3), 100, np.uint8)
DEMO = Path(__file__).parents[2] / "scripts/demo.py"


def test_the_mean_image_is_rounded_to_the_nearest_level() -> None:
    assert np.array_equal(mean_image([GREY, GREY + np.uint8(3)]), GREY + np.uint8(2))


def test_no_images_have_no_mean_and_no_difference() -> None:
    with pytest.raises(ValueError, match="no images"):
        mean_image([])
    with pytest.raises(ValueError, match="no images"):
        paired_difference([], [])


def test_a_difference_that_is_the_same_for_every_image_is_certain() -> None:
    found = paired_difference([3, 4, 5], [1, 2, 3])
    assert (found.mean, found.low, found.high, found.n, found.clear) == (2, 2, 2, 3, True)


def test_the_interval_is_that_of_the_normal_distribution_for_many_images() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, 2000)
    found = paired_difference(values, np.zeros(2000))
    half = 1.96 * values.std() / 2000**0.5
    assert found.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 8)
    assert paired_difference(values, np.zeros(2000)) == found  # seeded


def test_a_difference_that_changes_its_sign_is_not_clear() -> None:
    assert not paired_difference([1, -1, 1, -1], [0, 0, 0, 0]).clear


def test_the_demo_sets_the_model_beside_trivial_answers(tmp_path, capsys) -> None:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
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
