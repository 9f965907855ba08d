"""What a page showed before: made again from metrics.jsonl and the images on disk."""

from __future__ import annotations

import math
import re
from pathlib import Path

from util.records import FILE, KINDS, Record, read_record
from util.training_page.shell import write_shell
from util.training_page.stream import Stream, point, shown

IMAGE = re.compile(r"epoch(\d+)_(.+)\.png")


def events_of(record: Record, images: Path, epochs: float) -> list[str]:
    """The events of a run, in their order.

    Args:
        images: folder of its images.
        epochs: those of later epochs belong to another run.
    """
    found = []
    for kind in KINDS:
        points = getattr(record, kind)
        times = record.times if kind == "losses" else [record.started] * len(points)
        found += [
            (at.run_images, point(kind, at, values, when))
            for (at, values), when in zip(points, times, strict=True)
        ]
    found.sort(key=lambda pair: pair[0])
    return [event for _, event in found] + [
        shown(epoch, 0, labels) for epoch, labels in _on_disk(images, epochs).items()
    ]


def _on_disk(folder: Path, epochs: float) -> dict[int, list[str]]:
    """Epoch -> labels of its images, in the order in which they were written."""
    rows: dict[int, list[str]] = {}
    files = [file for file in folder.glob("epoch*_*.png") if IMAGE.fullmatch(file.name)]
    for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        epoch, label = file.stem.removeprefix("epoch").split("_", 1)
        if int(epoch) <= epochs:
            rows.setdefault(int(epoch), []).append(label)
    return dict(sorted(rows.items()))


def rebuild(folder: Path) -> None:
    """Makes the page of the run in the folder anew. Raises: OSError when its record cannot be read, InputError when
    the page cannot be written."""
    record, web = read_record(folder / FILE), folder / "web"
    options = record.options
    run = {
        "name": record.name,
        "last_epoch": record.last_epoch,
        "epoch_images": record.epoch_images,
        "step_images": options.get("batch_size", 1),
        "device": "",
        "width": options.get("display_winsize", 256),
        "options": options,
        "defaults": {},
        "changed": record.changed,
        "before": 0,
    }
    stream = Stream(web / "data", run, events_of(record, web / "images", math.inf))
    stream.write(record.ending, max(record.times, default=record.started))
    write_shell(web / "index.html", record.name)
