"""What a page says about all of its examples."""

from __future__ import annotations

import pytest

from util.pages.gallery import Column, Example
from util.pages.gallery.summary import count_wins, describe, grades, summarize

L1, PSNR = (
    Column(("fake_B", "l1"), "l1", True, 2),
    Column(("fake_B", "psnr"), "psnr", False, 1),
)


def examples(*values: float, column: Column = L1) -> list[Example]:
    return [Example(f"e{place}", [], {column.place: v}) for place, v in enumerate(values)]


def test_mean_median_and_both_ends_with_the_names_of_their_examples() -> None:
    some = [*examples(0.1, 0.4, 0.2, 0.9), Example("without", [], {})]
    assert summarize(some, L1) == (
        4,
        pytest.approx(0.4),
        pytest.approx(0.3),
        (0.1, "e0"),
        (0.9, "e3"),
    )
    best, worst = summarize(examples(20, 30, column=PSNR), PSNR)[3:]
    assert (best, worst) == ((30, "e1"), (20, "e0"))
    neither = Column(("", "b - a"), "b - a", None, 2)
    assert summarize(examples(1, 2, column=neither), neither)[3:] == (None, None)


def test_wins_are_counted_where_all_runs_have_a_value_and_a_tie_is_won_by_all_who_share_it() -> (
    None
):
    a, b = (Column((name, "l1"), f"{name} l1", True, 2, contest="l1") for name in "ab")
    pairs = [(0.1, 0.2), (0.3, 0.2), (0.2, 0.2), (0.1, None)]
    some = [
        Example("e", [], {c.place: v for c, v in zip((a, b), pair, strict=True) if v is not None})
        for pair in pairs
    ]
    assert count_wins(some, [a, b]) == {a.place: 2, b.place: 2}
    assert count_wins(some, [L1]) == {}


def test_grades_go_by_rank_in_fifths_from_the_best() -> None:
    values = [place / 10 for place in range(10)]
    assert list(grades(examples(*values), L1).values()).count(1) == 2
    assert grades(examples(*values), L1)[0.0] == 1
    assert grades(examples(*values), L1)[0.9] == 5
    assert grades(examples(*values, column=PSNR), PSNR)[0.9] == 1
    assert grades(examples(1, 2, 3), L1) == {}  # too few


def test_outliers_are_told_of_by_the_quartiles() -> None:
    usual = [0.10, 0.12, 0.12, 0.13, 0.14]  # the middle half of all seven: 0.12 to 0.14
    text = describe(examples(*usual, 0.14, 0.9), L1)
    assert text == [
        "l1 is 0.24 on average over 7 examples; the middle half lies between 0.12 and 0.14.",
        "1 is far worse than the others: above 0.17.",
    ]
    assert describe(examples(*usual), L1)[1:] == []
    assert describe(examples(0.1), L1) == ["l1 is 0.10."]
    assert describe(examples(0.1, 0.3), L1) == ["l1 is 0.20 on average over 2 examples."]
