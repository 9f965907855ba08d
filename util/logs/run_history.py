"""What a run has shown so far, from its files: for pages and servers that have not seen it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from util.logs import records
from util.logs.logger import At
from util.logs.records import Record

IMAGE = re.compile(r"epoch(\d+)_(.+)\.png")


def earlier(path: Path, curve: Sequence[tuple[float, Mapping[str, float]]]) -> Record:
    """The run of a metrics.jsonl, once its new part has begun there.

    Args:
        curve: what the run's state has of it, x in epochs and values by name; used where the file has nothing.
    """
    try:
        record = records.read_record(path)
    except OSError:  # a full disk, which is told of elsewhere
        record = Record()
    if not record.losses:
        points = [(At(int(x) + 1, 0, 0, x, lr=math.nan), dict(values)) for x, values in curve]
        record.scores = [point for point in points if _is_validation(point[1])]
        record.losses = [point for point in points if not _is_validation(point[1])]
        record.times = [math.nan] * len(record.losses)
    return record


def images_by_epoch(folder: Path, last_epoch: float) -> dict[int, dict[str, Path]]:
    """Epoch -> label -> file, of web/images up to an epoch; labels in the order in which they were written, the model's."""
    named = [
        (match, file) for file in folder.glob("*.png") if (match := IMAGE.fullmatch(file.name))
    ]
    named.sort(key=lambda pair: (pair[1].stat().st_mtime_ns, pair[1].name))
    found: dict[int, dict[str, Path]] = {}
    for match, file in named:
        if int(match[1]) <= last_epoch:
            found.setdefault(int(match[1]), {})[match[2]] = file
    return dict(sorted(found.items()))


def _is_validation(values: Mapping[str, float]) -> bool:
    return all(name.startswith("val_") for name in values)
