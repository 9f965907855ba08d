"""Rows of a table of scores, what separates them, and which to use: numbers in, words out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from options.wording import count
from scripts.lib.evaluation.measure import Scores
from util.metrics import Metric, metric
from util.metrics.bootstrap import Difference, paired_difference


@dataclass(frozen=True)
class ScoreRow:
    """A run, or a group of runs that differ by seed alone, or a trivial answer."""

    name: str
    members: Sequence[Scores]
    trivial: bool = False

    def has(self, name: str) -> bool:
        return all(name in member.results for member in self.members)

    def value(self, name: str) -> float:
        """Returns the mean over seeds."""
        return statistics.fmean(member.results[name].value for member in self.members)

    def spread(self, name: str) -> float:
        """Returns the standard deviation over seeds; NaN for one."""
        values = [member.results[name].value for member in self.members]
        return statistics.stdev(values) if len(values) > 1 else math.nan

    def standard_error(self, name: str) -> float:
        """Returns that of the mean over seeds, as far as the choice of images goes, which all seeds share."""
        return statistics.fmean(member.results[name].standard_error for member in self.members)

    def per_image(self, name: str) -> dict[str, float]:
        """Returns the mean over seeds of each image."""
        first = self.members[0].per_image[name]
        return {
            image: statistics.fmean(member.per_image[name][image] for member in self.members)
            for image in first
        }


def difference(one: ScoreRow, other: ScoreRow, name: str) -> Difference | None:
    """Returns one - other, with its 95 % interval: over the same images, or for sets by the standard errors of both.

    None for a metric without known error.
    """
    if metric(name).paired:
        left, right = one.per_image(name), other.per_image(name)
        images = sorted(left.keys() & right.keys())
        return paired_difference([left[i] for i in images], [right[i] for i in images])
    error = math.hypot(one.standard_error(name), other.standard_error(name))
    if math.isnan(error):
        return None
    mean = one.value(name) - other.value(name)
    n = min(member.results[name].n_fake for row in (one, other) for member in row.members)
    return Difference(mean, mean - 1.96 * error, mean + 1.96 * error, n)


def differ_clearly(one: ScoreRow, other: ScoreRow, name: str) -> bool:
    """Tells whether their difference is more than chance: of images, and of seeds where there are several."""
    found = difference(one, other, name)
    if found is None or not found.clear:
        return False
    spreads = [row.spread(name) / math.sqrt(len(row.members)) for row in (one, other)]
    seeds = math.hypot(*(0 if math.isnan(spread) else spread for spread in spreads))
    return abs(found.mean) > 2 * seeds


def rank(rows: Sequence[ScoreRow], kind: Metric) -> list[ScoreRow]:
    """Returns the rows that have the metric, the best first."""
    having = [row for row in rows if row.has(kind.name)]
    return sorted(having, key=lambda r: r.value(kind.name), reverse=not kind.lower_is_better)


def verdict(rows: Sequence[ScoreRow], names: Sequence[str]) -> str:
    """Says which run to use, by the first of the metrics, and what speaks against it."""
    kind = metric(names[0])
    runs = rank([row for row in rows if not row.trivial], kind)
    if not runs:
        return "Nothing could be measured."
    best = runs[0]
    against = rank([row for row in rows if row.trivial], kind)
    lost = [row for row in against if not kind.better(best.value(kind.name), row.value(kind.name))]
    if lost:
        return (
            f"None yet: by {kind.name} the trivial answer '{lost[0].name}' ({_shown(lost[0], kind)}) is as good as "
            f"{best.name} ({_shown(best, kind)}) or better."
        )
    sentences = [_choice(runs, kind)]
    if against:
        near = [row.name for row in against if not differ_clearly(best, row, kind.name)]
        text = f"It beats the trivial answers ({', '.join(f'{r.name} {_shown(r, kind)}' for r in against)})"
        sentences.append(f"{text}, though not clearly." if near else f"{text}.")
    return " ".join([*sentences, *_objections(best, rows, names[1:])])


def _objections(best: ScoreRow, rows: Sequence[ScoreRow], names: Sequence[str]) -> list[str]:
    """Returns the other metrics by which another row is clearly better."""
    found = []
    for kind in map(metric, names):
        leader = rank(rows, kind)[0]
        if leader is not best and best.has(kind.name) and differ_clearly(leader, best, kind.name):
            which = f"the trivial answer '{leader.name}'" if leader.trivial else leader.name
            found.append(
                f"But by {kind.name}, {which} is better ({_shown(leader, kind)} against {_shown(best, kind)})."
            )
    return found


def _choice(runs: Sequence[ScoreRow], kind: Metric) -> str:
    best = runs[0]
    if len(runs) == 1:
        return f"{best.name}, the only run, has {kind.name} {_shown(best, kind)}."
    close = [row for row in runs[1:] if not differ_clearly(best, row, kind.name)]
    if close:
        names = ", ".join(row.name for row in close)
        return (
            f"{best.name} has the best {kind.name} ({_shown(best, kind)}), but is not significantly better than "
            f"{names} ({', '.join(_shown(row, kind) for row in close)}): decide with more test images or seeds."
        )
    found = difference(best, runs[1], kind.name)
    assert found is not None
    digits = kind.decimals
    return (
        f"Use {best.name}: {kind.name} {_shown(best, kind)} against {_shown(runs[1], kind)} for {runs[1].name}, the second best "
        f"(difference {found.mean:+.{digits}f}, 95 % interval {found.low:+.{digits}f} to {found.high:+.{digits}f}, "
        f"{count(found.n, 'image')})."
    )


def _shown(row: ScoreRow, kind: Metric) -> str:
    return f"{row.value(kind.name):.{kind.decimals}f}"
