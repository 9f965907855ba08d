"""Trivial answers, and whether a difference is chance."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.lib.evaluation.measure import mean_image
from util.metrics.bootstrap import paired_difference

GREY = np.full((4, 4, 3), 100, np.uint8)


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
