"""What a run has shown so far, from its files: for a server that has not seen it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from util import records
from util.logger import At
from util.records import Record

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


def newest_images(folder: Path, last_epoch: int) -> dict[str, np.ndarray]:
    """Label -> (H, W, 3) or (H, W) uint8 of the last epoch that has images in web/images, up to last_epoch."""
    from PIL import Image

    by_epoch: dict[int, list[tuple[Path, str]]] = {}
    for file in folder.glob("epoch*_*.png"):
        if (match := IMAGE.fullmatch(file.name)) and int(match[1]) <= last_epoch:
            by_epoch.setdefault(int(match[1]), []).append((file, match[2]))
    if not by_epoch:
        return {}
    # In the order in which they were written, which is that of the model.
    files = sorted(by_epoch[max(by_epoch)], key=lambda it: (it[0].stat().st_mtime_ns, it[1]))
    images = {}
    for file, label in files:
        with Image.open(file) as picture:
            images[label] = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))
    return images


def _is_validation(values: Mapping[str, float]) -> bool:
    return all(name.startswith("val_") for name in values)
