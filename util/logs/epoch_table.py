"""A table on the console: a line of numbers for each epoch, under the names of its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

AGAIN = 20  # rows after which the names are repeated
NUMBER = 6  # characters of a number at least


class EpochTable:
    """Makes rows whose columns stay where they are while a run goes on: those that an epoch lacks are left empty."""

    def __init__(self) -> None:
        self.widths: dict[str, int] = {}
        self.rows = 0

    def row(self, cells: Mapping[str, str], remark: str, width: int) -> list[str]:
        """Returns lines for one epoch: its row, below the names where these are new, wider than before, or far above.

        On a terminal that is too narrow, names and values follow each other instead.
        Args:
            cells: name of a column -> text, in the order of the columns.
            remark: stands at the end where there is room.
            width: columns of the terminal.
        """
        widths = {
            name: max(len(name), NUMBER, len(cells.get(name, "")), self.widths.get(name, 0))
            for name in _merged(list(self.widths), list(cells))
        }
        named = widths != self.widths or self.rows == AGAIN
        self.widths, self.rows = widths, 1 if named else self.rows + 1
        gap = 2
        while sum(widths.values()) + gap * (len(widths) - 1) >= width:
            gap -= 1
            if not gap:
                return _wrapped([f"{name} {text.strip()}" for name, text in cells.items()], width)

        def aligned(texts: Mapping[str, str]) -> str:
            return (" " * gap).join(f"{texts.get(name, ''):>{widths[name]}}" for name in widths)

        names = [aligned({name: name for name in widths})] if named else []
        line = aligned(cells)
        fits = remark and len(line) + 2 + len(remark) < width
        return [*names, f"{line}  {remark}" if fits else line]


def _merged(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Joins two orders of columns: a new one stands behind that which it follows now."""
    merged = list(before)
    for place, name in enumerate(now):
        if name not in merged:
            merged.insert(merged.index(now[place - 1]) + 1 if place else 0, name)
    return merged


def _wrapped(words: Sequence[str], width: int) -> list[str]:
    """Joins words to lines, those after the first indented."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 2 + len(word) < width:
            lines[-1] += f"  {word}"
        else:
            lines.append(f"  {word}")
    return lines


def four_digits(value: float) -> str:
    """Writes at least four digits in six columns, such as 0.1361, 15.337 and 1234.5; very large and small ones as 1.2e+13."""
    size = abs(value)
    if not math.isfinite(value):
        return str(value)
    if size >= 1e5 or 0 < size < 5e-5:
        return f"{value:.1e}"
    return f"{value:.{4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 1}f}"
