"""The page of an evaluation: tables, the answer, and the worst and best images of each run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.lib.evaluation.report import ScoreTable
from scripts.lib.evaluation.result_folders import read
from scripts.lib.evaluation.verdict import ScoreRow
from util.images import save_image
from util.metrics import metric
from util.pages import html

LEGEND = "± is the standard error, sd the standard deviation over seeds."
CASES = 4  # pictures at either end


def write_report_page(path: Path, tables: Sequence[ScoreTable], *, width: int = 160) -> None:
    """Writes the page, and below its folder copies of the pictures that it shows."""
    shown, rows = [], []
    for number, table in enumerate(tables):
        title = f"{table.comparison.title}: {table.counts()}"
        titles = [f"{name}: {metric(name).title}" for name in table.shown]
        labels = {r.label for row in table.rows for m in row.members for r in m.results.values()}
        cells = table.cells()
        used = any("±" in cell or "(sd" in cell for line in cells for cell in line)
        legend = [LEGEND] if used else []
        notes = [*table.notes, *legend, "; ".join(titles), *sorted(labels - {""})]
        shown.append(html.Table(title, cells, table.verdict, notes))
        if differences := _differences(table):
            shown.append(
                html.Table("Differences to the best run, with 95 % intervals", differences)
            )
        if table.comparison.source:
            for place, row in enumerate(row for row in table.rows if row.name in table.files):
                rows += _cases(path.parent, f"images/{number}_{place}", table, row)
    html.write_page(path, "Evaluation", rows, width=width, tables=shown)


def _differences(table: ScoreTable) -> list[list[str]]:
    lines = [["", "best run", "other", "best - other", "from", "to", "images"]]
    for name, best, other, d in table.differences:
        numbers = [f"{value:+.{metric(name).decimals}f}" for value in (d.mean, d.low, d.high)]
        lines.append([name, best, other, *numbers, str(d.n)])
    return lines if len(lines) > 1 else []


def _cases(folder: Path, place: str, table: ScoreTable, row: ScoreRow) -> list[html.Row]:
    """Returns the images with the worst and the best values of the first paired metric."""
    names = [name for name in table.shown if metric(name).paired and row.has(name)]
    if not names:
        return []
    name = names[0]
    values = row.members[0].per_image[name]
    order = sorted(values, key=lambda image: values[image], reverse=metric(name).lower_is_better)
    # Of few images none is shown at both ends.
    worst, best = order[:CASES], order[::-1][: max(0, min(CASES, len(order) - CASES))]
    found = []
    for title, images in (("worst", worst), ("best", best)):
        for image in images:
            value = f"{name} {values[image]:.{metric(name).decimals}f}"
            pictures = _pictures(folder, place, table, row, image)
            found.append(html.Row(f"{row.name}, {title}: {image}, {value}", pictures))
    return found


def _pictures(
    folder: Path, place: str, table: ScoreTable, row: ScoreRow, image: str
) -> list[html.Picture]:
    """Copies as PNG, which every browser shows; input, result and truth."""
    fakes, reals, inputs = table.files[row.name]
    pictures = []
    for label, files in (("input", inputs), ("result", fakes), ("truth", reals)):
        if image in files:
            file = f"{place}/{image}_{label}.png"
            save_image(folder / file, read(files[image]).permute(1, 2, 0).numpy())
            pictures.append(html.Picture(file, label))
    return pictures
