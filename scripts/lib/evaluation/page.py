"""The page of an evaluation: which run to use, tables, and the worst and best images of each run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from dominate import tags

from scripts.lib.evaluation.report import ScoreTable, cell, row_title
from scripts.lib.evaluation.result_folders import File, read
from scripts.lib.evaluation.verdict import ScoreRow, rank
from util.images import save_image
from util.metrics import Metric, metric
from util.metrics.bootstrap import Difference
from util.pages.gallery import Column, Example, Picture, write_gallery
from util.pages.result_metrics import metric_column

LEGEND = (("±", "±: standard error"), ("(sd", "sd: standard deviation over seeds"))
CASES = 4  # images at either end
LABELS = ("input", "result", "truth")


def write_report_page(
    path: Path,
    tables: Sequence[ScoreTable],
    *,
    width: int = 160,
    links: dict[str, str] | None = None,
) -> None:
    """Writes the page, and below its folder copies of the pictures that it shows."""
    examples: list[Example] = []
    for number, table in enumerate(tables):
        if table.comparison.source:
            prefix = f"{table.comparison.title}: " if number else ""
            for place, row in enumerate(row for row in table.rows if row.name in table.files):
                examples += _cases(path.parent, f"images/{number}_{place}", table, row, prefix)
    names = dict.fromkeys(name for example in examples for _, name in example.values)
    columns: list[Column] = [metric_column(("result", name), name) for name in names]
    write_gallery(
        path,
        "Evaluation",
        examples,
        columns,
        width=width,
        pair=("result", "truth"),
        links=links,
        report=lambda: _add_tables(tables),
    )


def _add_tables(tables: Sequence[ScoreTable]) -> None:
    with tags.div(id="report"):
        for table in tables:
            with tags.section(cls="card"):
                tags.h2(f"{table.comparison.title}: {table.counts()}")
                first, _, others = table.verdict.partition(". ")
                tags.p(f"{first}." if others else first, cls="verdict")
                if others:
                    tags.p(others)
                with tags.div(cls="columns"):
                    with tags.div(cls="scores"):
                        _add_scores(table)
                        for note in _notes(table):
                            tags.p(note, cls="small muted")
                    if table.differences:
                        _add_differences(table)
        shown = [
            _order(table, row) for table in tables for row in table.rows if row.name in table.files
        ]
        few = all(len(order) < 2 * CASES for order in shown)
        tags.h2(
            "The images of each run, from the worst to the best"
            if few
            else f"The {CASES} worst and best images of each run"
        )


def _notes(table: ScoreTable) -> list[str]:
    cells = [cell(row, name) for row in table.rows for name in table.shown]
    labels = {r.label for row in table.rows for m in row.members for r in m.results.values()}
    legend = [meaning for mark, meaning in LEGEND if any(mark in text for text in cells)]
    titles = [f"{name}: {metric(name).title}" for name in table.shown]
    features = [f"features by {label}" for label in sorted(labels - {""})]
    return [*table.notes, *legend, *titles, *features]


def _add_scores(table: ScoreTable) -> None:
    """Adds the values of each row, the best in bold."""
    leaders = {name: _best(table.rows, name) for name in table.shown}
    with (
        tags.div(cls="scroll", tabindex="0", role="region", aria_label="Scores"),
        tags.table(cls="values"),
    ):
        with tags.thead(), tags.tr():
            tags.th("Run", scope="col")
            for name in table.shown:
                kind = metric(name)
                tags.th(
                    f"{name} {_arrow(kind)}", scope="col", title=f"{kind.title}; {_better(kind)}"
                )
        with tags.tbody():
            for row in table.rows:
                with tags.tr(cls="muted" if row.trivial else ""):
                    tags.th(row_title(row), scope="row")
                    for name in table.shown:
                        tags.td(cell(row, name), cls="best" if row.name in leaders[name] else "")


def _best(rows: Sequence[ScoreRow], name: str) -> set[str]:
    """Returns the rows with the best value, which several may share; no run that loses to a trivial answer."""
    order = rank(rows, metric(name))
    return {row.name for row in order if row.value(name) == order[0].value(name)}


def _arrow(kind: Metric) -> str:
    return "↓" if kind.lower_is_better else "↑"


def _better(kind: Metric) -> str:
    return "lower is better" if kind.lower_is_better else "higher is better"


def _add_differences(table: ScoreTable) -> None:
    """Adds how far the best run of each metric is from the other rows, with 95 % intervals as bars around zero."""
    heads = ("Metric", "Best run", "Other", "Best - other", "95 % interval", "Images")
    with (
        tags.div(cls="scroll", tabindex="0", role="region", aria_label="Differences"),
        tags.table(cls="values"),
    ):
        with tags.thead(), tags.tr():
            for head in heads:
                tags.th(head, scope="col")
        with tags.tbody():
            for name in table.shown:
                same = [each for each in table.differences if each[0] == name]
                for number, (_, best, other, found) in enumerate(same):
                    with tags.tr(cls="" if number else "first"):
                        if number == 0:
                            for text in (name, best):
                                tags.th(text, scope="rowgroup", rowspan=len(same))
                        _add_difference(other, found, [each[3] for each in same], metric(name))


def _add_difference(
    other: str, found: Difference, same: Sequence[Difference], kind: Metric
) -> None:
    tags.th(other, scope="row")
    tags.td(f"{found.mean:+.{kind.decimals}f}")
    with tags.td():
        tags.span(f"{found.low:+.{kind.decimals}f} to {found.high:+.{kind.decimals}f}")
        _add_interval(found, same)
    tags.td(str(found.n))


def _add_interval(found: Difference, same: Sequence[Difference]) -> None:
    """Draws an interval on the scale that all intervals of its metric share, with a line at zero."""
    ends = [0.0, *(end for each in same for end in (each.low, each.high))]
    low, high = min(ends), max(ends)
    if math.isfinite(high - low) and high > low:
        left, right, zero = (
            100 * (value - low) / (high - low) for value in (found.low, found.high, 0)
        )
        clear = " clear" if found.clear else ""
        with tags.div(cls=f"interval{clear}", aria_hidden="true"):
            tags.i(style=f"left:{left:.1f}%;right:{100 - right:.1f}%")
            tags.b(style=f"left:{zero:.1f}%")


def _cases(
    folder: Path, place: str, table: ScoreTable, row: ScoreRow, prefix: str
) -> Iterator[Example]:
    """Yields the images with the worst and the best values of the first paired metric; of few images all."""
    order = _order(table, row)
    values = {name: row.per_image(name) for name in _paired(table, row)}
    cases = {", worst": order[:CASES], ", best": order[: -CASES - 1 : -1]}
    for title, images in cases.items() if len(order) >= 2 * CASES else [("", order)]:
        for image in images:
            yield Example(
                f"{prefix}{row.name}{title}: {image}",
                [list(_pictures(folder, place, table, row, image))],
                {("result", name): values[name][image] for name in values},
            )


def _paired(table: ScoreTable, row: ScoreRow) -> list[str]:
    return [name for name in table.shown if metric(name).paired and row.has(name)]


def _order(table: ScoreTable, row: ScoreRow) -> list[str]:
    """Returns the images from the worst to the best by the first paired metric; [] where there is none."""
    for name in _paired(table, row):
        values = row.per_image(name)
        return sorted(values, key=values.__getitem__, reverse=metric(name).lower_is_better)
    return []


def _pictures(
    folder: Path, place: str, table: ScoreTable, row: ScoreRow, image: str
) -> Iterator[Picture]:
    """Copies as PNG, which every browser shows; input, result and truth."""
    fakes, reals, inputs = table.files[row.name]
    for label, files in zip(LABELS, (inputs, fakes, reals), strict=True):
        if image in files:
            pixels = _pixels(files[image])
            file = f"{place}/{image}_{label}.png"
            save_image(folder / file, pixels.numpy())
            yield Picture(file, label, pixels.shape[1], pixels.shape[0])


def _pixels(file: File) -> torch.Tensor:
    return read(file).permute(1, 2, 0)
