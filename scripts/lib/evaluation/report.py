"""Tables of scores, as text for the console, report.json and report.csv."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from options.wording import count
from scripts.lib.evaluation.result_folders import Comparison, Files
from scripts.lib.evaluation.verdict import ScoreRow, difference, rank, verdict
from util.files import write_text
from util.logs.records import finite
from util.metrics import metric


@dataclass
class ScoreTable:
    """Everything about one comparison, such as A to B.

    names: metrics, the deciding one first.
    files: row -> the result files of its first run, for pictures; reals and inputs belong to them.
    """

    comparison: Comparison
    names: Sequence[str]
    rows: list[ScoreRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, tuple[Files, Files, Files]] = field(default_factory=dict)

    @property
    def shown(self) -> list[str]:
        """The metrics that at least one row has."""
        return [name for name in self.names if any(row.has(name) for row in self.rows)]

    @cached_property  # asked for when all rows are there
    def verdict(self) -> str:
        return verdict(self.rows, self.shown) if self.shown else "Nothing could be measured."

    def counts(self) -> str:
        """Says how many images the numbers are from."""
        found: dict[str, set[str]] = {}
        for member in (member for row in self.rows for member in row.members):
            for name, result in member.results.items():
                sizes = count(result.n_fake, "image")
                if not metric(name).paired and result.n_fake != result.n_real:
                    sizes += f" against {result.n_real} real ones"
                found.setdefault("pairs" if metric(name).paired else "sets", set()).add(sizes)
        texts = {kind: " or ".join(sorted(sizes)) for kind, sizes in found.items()}
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        return "; ".join(f"{kind}: {text}" for kind, text in texts.items())

    @cached_property
    def differences(self) -> list[tuple[str, str, str, Any]]:
        """(metric, best run, other row, difference): of the best run to all others, by each metric."""
        found = []
        for name in self.shown:
            order = rank([row for row in self.rows if not row.trivial], metric(name))
            for other in (row for row in self.rows if row.has(name) and row is not order[0]):
                if between := difference(order[0], other, name):
                    found.append((name, order[0].name, other.name, between))
        return found


def row_title(row: ScoreRow) -> str:
    return f"{row.name}, {len(row.members)} seeds" if len(row.members) > 1 else row.name


def cell(row: ScoreRow, name: str) -> str:
    """Returns a value with its error (sets) and its spread over seeds."""
    if not row.has(name):
        return "-"
    kind = metric(name)
    text = kind.text(row.value(name))
    if not kind.paired and not math.isnan(error := row.standard_error(name)):
        text += f" ± {kind.text(error)}"
    if not math.isnan(spread := row.spread(name)):
        text += f" (sd {kind.text(spread)})"
    return text


def text_of(table: ScoreTable) -> str:
    """Returns the table for the console."""
    rows = [[row_title(row), *(cell(row, name) for name in table.shown)] for row in table.rows]
    lines = [["", *table.shown], *rows]
    title = f"{table.comparison.title}: {table.comparison.fake} against {table.comparison.real}, {table.counts()}"
    notes = [f"  note: {note}" for note in table.notes]
    return "\n".join([title, *align(lines), f"  {_directions(table.shown)}", *notes])


def align(lines: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table, indented, with columns below each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ([word.ljust(n) for word, n in zip(line, widths, strict=True)] for line in lines)
    return ["  " + "  ".join(words).rstrip() for words in padded]


def _directions(names: Sequence[str]) -> str:
    lower = ", ".join(name for name in names if metric(name).lower_is_better)
    higher = ", ".join(name for name in names if not metric(name).lower_is_better)
    sides = ((lower, "lower"), (higher, "higher"))
    return "; ".join(f"{side} is better: {listed}" for listed, side in sides if listed)


def write_json(path: Path, tables: Sequence[ScoreTable]) -> None:
    content = [
        {
            "comparison": table.comparison.title,
            "fake": table.comparison.fake,
            "real": table.comparison.real,
            "verdict": table.verdict,
            "notes": table.notes,
            "rows": [_row(row, table.shown) for row in table.rows],
            "differences": [
                {"metric": name, "best": best, "other": other, "mean": d.mean, "low": d.low, "high": d.high, "images": d.n}
                for name, best, other, d in table.differences
            ],
        }
        for table in tables
    ]  # fmt: skip
    write_text(path, json.dumps(finite(content), indent=1) + "\n")


def _row(row: ScoreRow, names: Sequence[str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "trivial": row.trivial,
        "seeds": len(row.members),
        "metrics": {
            name: {
                "value": row.value(name),
                "lower_is_better": metric(name).lower_is_better,
                "standard_error": row.standard_error(name),
                "sd_over_seeds": row.spread(name),
                **{key: getattr(row.members[0].results[name], key) for key in ("n_fake", "n_real", "label")},
                **({"per_image": row.per_image(name)} if metric(name).paired else {}),
            }
            for name in names
            if row.has(name)
        },
    }  # fmt: skip


def write_csv(path: Path, tables: Sequence[ScoreTable]) -> None:
    """Writes one line for each number."""
    file = io.StringIO()
    header = "comparison row trivial seeds metric value lower_is_better standard_error sd_over_seeds n_fake n_real label"
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header.split())
    for table in tables:
        for row in (_row(row, table.shown) for row in table.rows):
            for name, found in row["metrics"].items():
                keys = "value lower_is_better standard_error sd_over_seeds n_fake n_real label"
                values = ["" if found[k] != found[k] else found[k] for k in keys.split()]
                start = [table.comparison.title, row["name"], row["trivial"], row["seeds"], name]
                writer.writerow([*start, *values])
    write_text(path, file.getvalue())
