"""A run's whole log as a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import math

from scripts.lib.show_run.reading import read_run
from util.files import write_text
from util.logs.records import Record

WHERE = ("images", "epoch", "iters", "epochs_done", "learning_rate", "seconds", "data")


def write_table(options: argparse.Namespace) -> int:
    """Writes the file; returns the exit status."""
    folder = options.checkpoints_dir / options.name
    out = options.out or folder / "metrics.csv"
    rows = rows_of(read_run(folder))
    names = list(dict.fromkeys([*WHERE, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out, text.getvalue())
    print(f"{len(rows)} rows: {out}")
    return 0


def rows_of(record: Record) -> list[dict[str, float | str]]:
    """Returns a row for each count of images; a value that is no finite number is an empty cell."""
    rows: dict[int, dict[str, float | str]] = {}
    for at, values in [*record.losses, *record.scores, *record.health]:
        if at.run_images not in rows:
            where = (at.run_images, at.epoch, at.epoch_images, at.x, at.lr, at.time, at.data)
            rows[at.run_images] = dict(zip(WHERE, where, strict=True))
        shown = {name: value if math.isfinite(value) else "" for name, value in values.items()}
        rows[at.run_images].update(shown)
    return [rows[images] for images in sorted(rows)]
