"""Columns of a page of results: the metrics of its pictures."""

from __future__ import annotations

from collections.abc import Sequence

from options.metrics import metric
from util.metrics.pictures import truth_of
from util.pages.gallery.content import Column, Example, Place


def metric_columns(examples: Sequence[Example]) -> list[Column]:
    """Returns columns of all values, named by the metric alone where only one output is measured."""
    places = list(dict.fromkeys(place for example in examples for place in example.values))
    alone = len({label for label, _ in places}) == 1
    return [metric_column(place, place[1] if alone else " ".join(place)) for place in places]


def metric_column(place: Place, key: str, contest: str = "") -> Column:
    """Returns the column of a metric, which is the second part of the place."""
    kind = metric(place[1])
    return Column(place, key, kind.lower_is_better, kind.decimals, kind.title, contest)


def first_pair(columns: Sequence[Column]) -> tuple[str, str]:
    """Returns the labels of the first output and its truth; ("", "") when nothing is measured."""
    outputs = [each.place[0] for each in columns if each.place[0].startswith("fake_")]
    return (outputs[0], truth_of(outputs[0])) if outputs else ("", "")
