"""metrics.jsonl: what a run has logged, one JSON object a line, from which every view can be made again.

    {"kind": "start", "time": ..., "name": ..., "last_epoch": ..., "epoch_images": ..., "options": {...},
     "changed": ["lr"], "examples": {"phase": "val", "names": ["1", "2"]}}
    {"kind": "losses", "epoch": 1, "iters": 100, "images": 100, "x": 0.25, "seconds": 0.1, "data": 0.0, "lr": 0.0002,
     "time": ..., "values": {"G_GAN": 0.7, ...}}
    {"kind": "scores", ... as losses ..., "values": {"val_l1": 0.1}}
    {"kind": "health", ... as losses ..., "values": {"score_D_real": 0.9}}
    {"kind": "hint", "epoch": 3, "iters": 500, "images": 2500, "time": ..., "text": "the discriminator has won ..."}
    {"kind": "end", "time": ..., "ending": "done"}    with a "reason" where it failed

`time` is in seconds since 1970, `x` in epochs, `seconds` for one image, `iters` counts images within the epoch and `images` all of
the run. A value that is no finite number is null.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from util.logs.example_files import ONE_WAY, TWO_WAYS, in_model_order
from util.logs.logger import At

FILE = "metrics.jsonl"
IMAGE = re.compile(r"epoch(\d+)_(.+)\.png")
KINDS = ("losses", "scores", "health")
NUMBER, OR_NULL = (int, float), (int, float, type(None))
POINT = {
    **dict.fromkeys(("epoch", "iters", "images"), int),
    "x": NUMBER,
    "seconds": OR_NULL,
    "data": OR_NULL,
    "lr": OR_NULL,
    "time": NUMBER,
    "values": dict,
}
# Kind of line -> what it must hold.
FIELDS: dict[str, dict[str, Any]] = {
    "start": {"time": NUMBER, "name": str, "options": dict, "last_epoch": int, "epoch_images": int},
    **dict.fromkeys(KINDS, POINT),
    "hint": {"epoch": int, "iters": int, "images": int, "text": str},
    "end": {"ending": str},
}
Point = tuple[At, dict[str, float]]


@dataclass
class Record:
    """A run as it was logged.

    changed: the options that are not at their defaults.
    losses, scores, health: in the order in which they came. times: of the losses, in seconds since 1970.
    ending: "" while it runs, or was killed. reason: why it failed, or "".
    examples: the split ("phase") and the names of the fixed examples.
    hints: where in the run each was given, and its text.
    """

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    last_epoch: int = 0
    epoch_images: int = 0
    started: float = 0.0
    ending: str = ""
    reason: str = ""
    examples: dict[str, Any] = field(default_factory=dict)
    losses: list[Point] = field(default_factory=list)
    scores: list[Point] = field(default_factory=list)
    health: list[Point] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    hints: list[tuple[At, str]] = field(default_factory=list)


def line_of(kind: str, **content: Any) -> str:
    """One line of the file, without its end."""
    return json.dumps({"kind": kind, **finite(content)}, allow_nan=False)


def point_line(kind: str, at: At, values: Mapping[str, float], time: float) -> str:
    """A line of losses, scores or health."""
    where = {"epoch": at.epoch, "iters": at.epoch_images, "images": at.run_images, "x": at.x}
    pace = {"seconds": at.time, "data": at.data, "lr": at.lr}
    return line_of(kind, **where, **pace, time=time, values=dict(values))


def read_record(path: Path) -> Record:
    """Reads the last run in the file, with all of its continuations. Raises: OSError when it cannot be read."""
    return (read_records(path) or [Record()])[-1]


def read_records(path: Path) -> list[Record]:
    """Reads all runs in the file, each with its continuations. Raises: OSError when it cannot be read."""
    records: list[Record] = []
    for _, entry in _entries(path):
        kind = entry["kind"]
        if not records or (kind == "start" and not entry.get("continued")):
            records.append(Record(started=entry["time"]))
        record = records[-1]
        if kind == "start":
            record.name, record.options = entry["name"], entry["options"]
            record.changed = [str(name) for name in entry.get("changed", [])]
            record.last_epoch, record.epoch_images = entry["last_epoch"], entry["epoch_images"]
            record.examples = _examples(entry.get("examples"))
            record.ending = record.reason = ""
        elif kind in KINDS:
            getattr(record, kind).append(_point(entry))
            if kind == "losses":
                record.times.append(entry["time"])
        elif kind == "hint":
            at = At(entry["epoch"], entry["iters"], entry["images"], math.nan)
            record.hints.append((at, entry["text"]))
        elif kind == "end":
            record.ending, record.reason = entry["ending"], str(entry.get("reason", ""))
    return records


def lines_until(path: Path, epoch: int, images: int) -> list[str]:
    """Reads the file's lines without those of the last run's later steps and validations, which were made before a kill
    and will be made again. A validation follows the last step of its epoch. Raises: OSError when it cannot be read."""
    lines = list(_entries(path))
    starts = (number for number, (_, entry) in enumerate(lines) if _begins(entry))
    begins = max(starts, default=0)
    return [
        line
        for number, (line, entry) in enumerate(lines)
        if number <= begins
        or entry["kind"] not in (*KINDS, "hint")
        or (entry["epoch"], entry["iters"], entry["kind"] == "scores") <= (epoch, images, False)
    ]


def _begins(entry: Mapping[str, Any]) -> bool:
    return entry["kind"] == "start" and not entry.get("continued")


def _entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Reads lines and what they say. Leaves out what is no entry, and says so unless it is the half line of a kill."""
    left_out = 0
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            if (entry := _parsed(line)) is not None:
                yield line, entry
            else:
                left_out += line.endswith("\n")
    if left_out:
        lines = "a line" if left_out == 1 else f"{left_out} lines"
        logging.getLogger(__name__).warning("%s: left out %s that cannot be read", path, lines)


def _parsed(line: str) -> dict[str, Any] | None:
    """Reads one entry; None for half a line, and for one that was damaged since it was written."""
    try:
        entry = json.loads(line)
        fits = line.endswith("\n") and all(
            isinstance(entry[name], kind) and not isinstance(entry[name], bool)
            for name, kind in FIELDS[entry["kind"]].items()
        )
        fits = fits and isinstance(entry.get("changed", []), list)
        if entry["kind"] in KINDS:
            numbers = [entry["x"], *entry["values"].values()]
            fits = fits and math.isfinite(entry["x"]) and all(map(_is_number, numbers))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    return entry if fits else None


def _examples(found: Any) -> dict[str, Any]:
    """Returns the split and the names of the fixed examples; {} where there are none."""
    if not isinstance(found, dict) or not isinstance(found.get("names"), list):
        return {}
    return {"phase": str(found.get("phase", "")), "names": [str(name) for name in found["names"]]}


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _point(entry: Mapping[str, Any]) -> Point:
    names = ("epoch", "iters", "images", "x", "seconds", "data", "lr")
    at = At(*(_known(entry[name]) for name in names))
    return at, {name: _known(value) for name, value in entry["values"].items()}


def _known(value: Any) -> Any:
    """Reads null as NaN."""
    return math.nan if value is None else value


def finite(value: Any, instead: Callable[[float], Any] = lambda number: None) -> Any:
    """Replaces numbers that JSON has no word for, by null or what `instead` makes of them."""
    if isinstance(value, Mapping):
        return {str(key): finite(item, instead) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item, instead) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return instead(value)
    return value


def earlier(path: Path, curve: Sequence[tuple[float, Mapping[str, float]]]) -> Record:
    """The run of a metrics.jsonl, once its new part has begun there.

    Args:
        curve: what the run's state has of it, x in epochs and values by name; used where the file has nothing.
    """
    try:
        record = read_record(path)
    except OSError:  # a full disk, which the sink reports
        record = Record()
    if not record.losses:
        points = [(At(int(x) + 1, 0, 0, x, lr=math.nan), dict(values)) for x, values in curve]
        record.scores = [point for point in points if _is_validation(point[1])]
        record.losses = [point for point in points if not _is_validation(point[1])]
        record.times = [math.nan] * len(record.losses)
    return record


def images_by_epoch(folder: Path, last_epoch: float) -> dict[int, dict[str, Path]]:
    """Epoch -> label -> file, of web/images up to an epoch; labels in the model's order.

    Where it is not known, that is the order in which the files were written, which copies may lose.
    """
    named = [
        (match, file) for file in folder.glob("*.png") if (match := IMAGE.fullmatch(file.name))
    ]
    named.sort(key=lambda pair: (pair[1].stat().st_mtime_ns, pair[1].name))
    found: dict[int, dict[str, Path]] = {}
    for match, file in named:
        if int(match[1]) <= last_epoch:
            found.setdefault(int(match[1]), {})[match[2]] = file
    known = {*ONE_WAY, *TWO_WAYS}
    return {
        epoch: {
            each: files[each]
            for each in (in_model_order([*files]) if known.issuperset(files) else files)
        }
        for epoch, files in sorted(found.items())
    }


def _is_validation(values: Mapping[str, float]) -> bool:
    return all(name.startswith("val_") for name in values)
