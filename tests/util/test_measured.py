"""Which pictures of an item are measured against which."""

from __future__ import annotations

import pytest
from helpers.gallery import flat

from util.metrics.pictures import measure_pictures


def test_of_unpaired_pictures_reconstructions_alone_are_measured() -> None:
    paths = {"real_A": "a", "fake_B": "a", "rec_A": "a", "real_B": "b"}
    pictures = {"real_A": flat(100), "fake_B": flat(0), "rec_A": flat(151), "real_B": flat(3)}
    assert measure_pictures(paths, pictures).values == {("rec_A", "l1"): pytest.approx(0.2)}
    same_name = {**paths, "real_B": "other/a.jpg"}  # counts as a pair
    assert set(measure_pictures(same_name, pictures).values) == {
        ("fake_B", "l1"), ("fake_B", "psnr"), ("rec_A", "l1"),
    }  # fmt: skip


def test_colourized_pictures_are_measured_and_mere_inputs_are_no_truths() -> None:
    one = dict.fromkeys(("real_A", "fake_B_rgb", "real_B_rgb", "fake", "real"), "a")
    pictures = {label: flat(9, 9, 9) if "rgb" in label else flat(9) for label in one}
    assert {label for label, _ in measure_pictures(one, pictures).values} == {"fake_B_rgb"}
