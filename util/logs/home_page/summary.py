"""What the page of all runs says about one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from options.metrics import METRICS, Metric
from util.files import replacing
from util.logs.example_files import examples_on_disk
from util.logs.logger import At
from util.logs.records import Record, finite, images_by_epoch

FILE = "data/summary.js"  # below web/
POINTS = 60  # of a sparkline
NAME = re.compile(r"val_(?:rec_)?(.+?)(?:_[AB])?(?:_ema)?")  # curve of scores -> metric


class Summary:
    """Takes in what a run logs and keeps what is shown of it.

    Args:
        start: as in the line of metrics.jsonl that begins a run.
        started: in seconds since 1970.
    """

    def __init__(self, start: Mapping[str, Any], started: float) -> None:
        self.start, self.started = start, started
        self.epoch, self.done, self.hints = 0, 0, 0
        self.first: float | None = None  # time of the first print
        self.last, self.prints = 0.0, 0
        self.best: dict[str, tuple[float, int]] = {}
        self.curves: dict[str, dict[str, list[float]]] = {"losses": {}, "scores": {}}
        self.images: dict[str, Any] = {}
        self.examples: dict[str, Any] = {}

    def position(self, at: At) -> None:
        """Takes in where the training stands; after the last epoch it stands at the next one's beginning."""
        self.epoch = min(at.epoch, self.start["last_epoch"])
        self.done = (at.epoch - 1) * self.start["epoch_images"] + at.epoch_images

    def losses(self, at: At, values: Mapping[str, float], when: float) -> None:
        self.position(at)
        self.first = when if self.first is None else self.first
        self.last, self.prints = when, self.prints + 1
        self._add("losses", values)

    def scores(self, at: At, values: Mapping[str, float]) -> None:
        self._add("scores", values)
        for name, value in values.items():
            metric = _metric_of(name)
            known = self.best.get(name)
            if metric and math.isfinite(value) and (not known or metric.better(value, known[0])):
                self.best[name] = (value, at.epoch)

    def show_images(self, epoch: int, version: int, labels: Sequence[str]) -> None:
        self.images = {"epoch": epoch, "version": version, "labels": list(labels)}

    def show_examples(self, epoch: int, version: int, labels: Sequence[str], suffix: str) -> None:
        first = self.examples.get("first", epoch)
        self.examples = {"first": first, "epoch": epoch, "version": version}
        self.examples |= {"labels": list(labels), "suffix": suffix, **self.start["examples"]}

    def content(self, when: float, ending: str, reason: str) -> dict[str, Any]:
        kind = "scores" if self.curves["scores"] else "losses"
        name, values = next(iter(self.curves[kind].items()), ("", []))
        whole = self.start["last_epoch"] * self.start["epoch_images"]
        prints = self.prints - 1
        return {
            **{key: self.start[key] for key in ("name", "last_epoch", "options", "changed")},
            "started": self.started,
            "time": when,
            "ending": ending,
            "reason": reason,
            "epoch": self.epoch,
            "share": min(1.0, self.done / whole) if whole else 0.0,
            "every": (self.last - (self.first or 0.0)) / prints if prints > 0 else 60.0,
            # Value, epoch, and whether lower values are better.
            "best": {
                name: [*pair, metric.lower_is_better]
                for name, pair in self.best.items()
                if (metric := _metric_of(name))
            },
            "spark": {"name": name, "values": [float(f"{v:.4g}") for v in thinned(values)]},
            "hints": self.hints,
            "images": self.images,
            "examples": self.examples,
        }

    def _add(self, kind: str, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if math.isfinite(value):
                self.curves[kind].setdefault(name, []).append(value)


def _metric_of(curve: str) -> Metric | None:
    """Returns the metric of a curve of scores, such as psnr of val_rec_psnr_A_ema."""
    found = NAME.fullmatch(curve)
    return METRICS.get(found[1]) if found else None


def thinned(values: Sequence[float]) -> list[float]:
    """Returns means of at most POINTS stretches of equal length."""
    size = math.ceil(len(values) / POINTS)
    starts = range(0, len(values), size) if size else ()
    parts = [values[start : start + size] for start in starts]
    return [sum(part) / len(part) for part in parts]


def summarize(record: Record, web: Path) -> Summary:
    """Makes the summary of a run from its record and its images."""
    start = {
        "name": record.name,
        "last_epoch": record.last_epoch,
        "epoch_images": record.epoch_images,
        # Infinity is null in JSON.
        "options": {n: math.inf if v is None else v for n, v in record.options.items()},
        "changed": record.changed,
        "examples": record.examples,
    }
    summary = Summary(start, record.started)
    for (at, values), when in zip(record.losses, record.times, strict=True):
        summary.losses(at, values, when)
    for at, values in record.scores:
        summary.scores(at, values)
    summary.hints = len(record.hints)
    shown = images_by_epoch(web / "images", summary.epoch or math.inf)
    if shown:
        summary.show_images(max(shown), 0, list(shown[max(shown)]))
    for epoch, (labels, suffix) in examples_on_disk(web).items():
        if record.examples and epoch <= summary.epoch:
            summary.show_examples(epoch, 0, labels, suffix)
    return summary


def write_summary(web: Path, content: Mapping[str, Any]) -> None:
    """Writes the file. Raises: InputError when the disk refuses."""
    text = json.dumps(finite(content, instead=str), separators=(",", ":"))
    with replacing(web / FILE, lasting=False) as file:
        file.write(f"home.run({text});\n".encode())
