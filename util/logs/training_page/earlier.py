"""What a page showed before: made again from metrics.jsonl and the images on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from util.logs.commands import commands
from util.logs.example_files import examples_on_disk
from util.logs.records import FILE, KINDS, Record, images_by_epoch, read_record
from util.logs.training_page.shell import write_shell
from util.logs.training_page.stream import (
    LOWER_IS_BETTER,
    Stream,
    hint,
    point,
    shown,
    shown_examples,
)


def events_of(record: Record, images: Path, epochs: float) -> list[str]:
    """Lists the events of a run, in their order.

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
    found += [(at.run_images, hint(at.epoch, text)) for at, text in record.hints]
    found.sort(key=lambda pair: pair[0])
    return [
        *(event for _, event in found),
        *(shown(epoch, 0, list(files)) for epoch, files in images_by_epoch(images, epochs).items()),
        *(
            shown_examples(epoch, 0, labels, suffix)
            for epoch, (labels, suffix) in examples_on_disk(images.parent).items()
            if record.examples and epoch <= epochs
        ),
    ]


def _commands(options: Mapping[str, Any], changed: Sequence[str]) -> dict[str, str]:
    """Returns the command lines of the run; {} for a record that lacks a flag they need."""
    try:
        return commands(options, changed)
    except (KeyError, TypeError):
        return {}


def rebuild(folder: Path) -> None:
    """Rebuilds the page of the run in the folder. Raises: OSError when its record cannot be read, InputError when
    the page cannot be written."""
    record, web = read_record(folder / FILE), folder / "web"
    # Infinity is null in JSON.
    options = {name: math.inf if value is None else value for name, value in record.options.items()}
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
        "examples": record.examples,
        "started": record.started,
        "commands": _commands(options, record.changed),
        "home": any((place / "runs.js").exists() for place in folder.absolute().parents[:2]),
        "lower_is_better": LOWER_IS_BETTER,
        "before": 0,
    }
    stream = Stream(web / "data", run, events_of(record, web / "images", math.inf))
    stream.write(record.ending, max(record.times, default=record.started), record.reason)
    write_shell(web / "index.html", record.name)
