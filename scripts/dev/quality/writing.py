"""The part that is appended to docs/quality.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.lib.evaluation.report import ScoreTable
from scripts.lib.evaluation.verdict import ScoreRow
from util.errors import InputError
from util.metrics import metric


def section(title: str, about: str, tables: Sequence[ScoreTable]) -> str:
    """Returns a heading, what was done, and a table for each direction."""
    parts = [f"### {title}", about]
    for table in tables:
        names = table.shown
        marks = ("↓" if metric(name).lower_is_better else "↑" for name in names)
        header = [f"`{name}` {mark}" for name, mark in zip(names, marks, strict=True)]
        lines = [["", *header], ["---"] * (len(names) + 1)]
        lines += [[row.name, *(cell(row, name) for name in names)] for row in table.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts += [f"**{table.comparison.title}**, {table.counts()}:", text]
    return "\n\n".join(parts) + "\n"


def cell(row: ScoreRow, name: str) -> str:
    """Writes the mean over seeds ± their standard deviation."""
    if not row.has(name):
        return "-"
    decimals = metric(name).decimals
    text = f"{row.value(name):.{decimals}f}"
    return f"{text} ± {row.spread(name):.{decimals}f}" if len(row.members) > 1 else text


def append(path: Path, text: str) -> None:
    """Adds a section at the end. Raises: InputError when that cannot be done."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
