"""Where a run stands and what it was told, as HTML for a window of text."""

from __future__ import annotations

import html
import math
import statistics
import time
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from util.device import duration
from util.logs.records import Record

ENDINGS = {
    "": "running",
    "done": "done",
    "diverged": "done, but its losses ran away",
    "stopped": "stopped, can go on",
    "failed": "failed",
}
LATELY = 20  # points


def run_text(record: Record) -> str:
    """Words all there is of a run. Everything that comes from it is escaped: visdom passes HTML on as it is."""
    changed = {name: record.options[name] for name in record.changed if name in record.options}
    rest = {name: value for name, value in record.options.items() if name not in changed}
    parts = [_table(state(record)), "<hr>", _table(changed, bold=True), _table(rest)]
    return f"<div style='font-size: 12px; padding: 0 8px'>{''.join(parts)}</div>"


def state(record: Record) -> dict[str, str]:
    """Collects what is shown of a run: word -> value."""
    lines = {"name": record.name, "state": ENDINGS.get(record.ending, record.ending)}
    if record.reason:
        lines["why"] = record.reason
    if record.hints:
        at, text = record.hints[-1]
        lines[f"hint, epoch {at.epoch}"] = text
    if not record.losses:
        return lines
    at = record.losses[-1][0]
    lines["epoch"] = f"{at.epoch} of {record.last_epoch}"
    rate = images_a_second(record)
    left = record.epoch_images * (record.last_epoch - at.epoch + 1) - at.epoch_images
    if rate:
        lines["speed"] = f"{rate:.3g} images/s"
    if rate and not record.ending:
        lines["time left"] = duration(max(0, left) / rate)
    if math.isfinite(at.lr):
        lines["learning rate"] = f"{at.lr:.3g}"
    if math.isfinite(record.times[-1]):
        then = time.localtime(record.times[-1])
        lines["last losses"] = time.strftime("%Y-%m-%d %H:%M:%S", then)
    if record.scores:
        values = record.scores[-1][1]
        lines["last validation"] = ", ".join(f"{k} {v:.4g}" for k, v in values.items())
    return lines


def images_a_second(record: Record) -> float:
    """Returns the median of the newest points; 0 when it is not known. A break, as between two parts of a run, does not count."""
    points = zip(record.losses[-LATELY:], record.times[-LATELY:], strict=True)
    known = [(at.run_images, when) for (at, _), when in points]
    rates = [
        (images - images_before) / (when - before)
        for (images_before, before), (images, when) in pairwise(known)
        if when > before and images > images_before
    ]
    return statistics.median(rates) if rates else 0.0


def _table(lines: Mapping[str, Any], bold: bool = False) -> str:
    style = " style='font-weight: bold'" if bold else ""
    return f"<table{style}>{''.join(_rows(lines.items()))}</table>"


def _rows(lines: Iterable[tuple[str, Any]]) -> Iterable[str]:
    for name, value in lines:
        shown = "inf" if value is None else str(value)  # JSON has no infinity
        yield f"<tr><td>{html.escape(name)}&emsp;</td><td>{html.escape(shown)}</td></tr>"
