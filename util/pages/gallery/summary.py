"""What the numbers of all examples say together."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from options.wording import count as counted
from util.pages.gallery.content import Column, Example, Place

FAR = (
    1.5  # quartile distances beyond the middle half, from which a value is an outlier (Tukey 1977)
)
GRADES = 5
FEW = 4  # values, up from which quartiles say something
ENOUGH = 10  # values to be graded


class Summary(NamedTuple):
    """A column over the examples that have it, so many. best, worst: value and name of an example; None where neither end is better."""

    number: int
    mean: float
    median: float
    best: tuple[float, str] | None
    worst: tuple[float, str] | None


def summarize(examples: Sequence[Example], column: Column) -> Summary:
    """Summarizes the values of the examples that have one, at least one."""
    found = [
        (each.values[column.place], each.name) for each in examples if column.place in each.values
    ]
    values = [value for value, _ in found]
    ends: tuple[tuple[float, str] | None, ...] = (None, None)
    if column.lower_is_better is not None:
        low, high = (pick(found, key=lambda pair: pair[0]) for pick in (min, max))
        ends = (low, high) if column.lower_is_better else (high, low)
    return Summary(len(values), statistics.fmean(values), statistics.median(values), *ends)


def count_wins(examples: Sequence[Example], columns: Sequence[Column]) -> Counter[Place]:
    """Counts for each competing column the examples on which it is best; a tie counts for all that share it.

    Only examples on which all of a contest have a value count.
    """
    wins: Counter[Place] = Counter()
    for contest in {each.contest for each in columns} - {""}:
        rivals = [each for each in columns if each.contest == contest]
        wins.update({each.place: 0 for each in rivals})
        pick = min if rivals[0].lower_is_better else max
        for example in examples:
            values = {each.place: example.values.get(each.place, math.nan) for each in rivals}
            best = pick(values.values())
            if not any(map(math.isnan, values.values())):
                wins.update(place for place, value in values.items() if value == best)
    return wins


def grades(examples: Sequence[Example], column: Column) -> dict[float, int]:
    """Grades values by rank, from 1 for the best fifth to 5 for the worst; {} for few values, or where neither end is better."""
    values = sorted(e.values[column.place] for e in examples if column.place in e.values)
    if column.lower_is_better is None or len(values) < ENOUGH:
        return {}
    found = {}
    for value in set(values):
        grade = bisect_left(values, value) * GRADES // len(values) + 1
        found[value] = grade if column.lower_is_better else GRADES + 1 - grade
    return found


def describe(examples: Sequence[Example], column: Column) -> list[str]:
    """Says in sentences where the values of a column lie, and how many are far worse than the others."""
    values = sorted(e.values[column.place] for e in examples if column.place in e.values)
    count, mean = len(values), column.text(statistics.fmean(values))
    if count == 1:
        return [f"{column.key} is {mean}."]
    if count < FEW:
        return [f"{column.key} is {mean} on average over {counted(count, 'example')}."]
    low, _, high = statistics.quantiles(values, method="inclusive")
    found = [
        f"{column.key} is {mean} on average over {count} examples; the middle half lies between {column.text(low)} and "
        f"{column.text(high)}."
    ]
    margin = FAR * (high - low)
    if column.lower_is_better:
        outliers, bound, side = sum(v > high + margin for v in values), high + margin, "above"
    else:
        outliers, bound, side = sum(v < low - margin for v in values), low - margin, "below"
    if outliers:
        verb = "is" if outliers == 1 else "are"
        found.append(f"{outliers} {verb} far worse than the others: {side} {column.text(bound)}.")
    return found
