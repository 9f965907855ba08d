"""Writes what a run has logged as a table: python scripts/export_metrics.py NAME

One row for each count of images at which anything was logged, one column for each name; a cell is empty where nothing was.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import InputError, run_command
from util.logs.records import FILE, Record, read_record

WHERE = ("images", "epoch", "iters", "epochs_done", "learning_rate", "seconds", "data")


def main(argv: Sequence[str]) -> int:
    """Writes the file; returns the exit status."""
    parser = argparse.ArgumentParser(description="Makes a CSV file of a run's metrics.jsonl.")
    parser.add_argument("name", help="of the run: its folder below --checkpoints_dir")
    parser.add_argument("--checkpoints_dir", default="./checkpoints")
    parser.add_argument("--out", help="file to write [metrics.csv in the run's folder]")
    options = parser.parse_args(argv)
    folder = Path(options.checkpoints_dir) / options.name
    out = Path(options.out) if options.out else folder / "metrics.csv"
    try:
        rows = rows_of(read_record(folder / FILE))
    except OSError as error:
        raise InputError(f"{folder / FILE} cannot be read: {error.strerror}") from None
    names = list(dict.fromkeys([*WHERE, *(name for row in rows for name in row)]))
    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from None
    print(f"{len(rows)} rows: {out}")
    return 0


def rows_of(record: Record) -> list[dict[str, float | str]]:
    """What was logged, by the count of images; what is no number is an empty cell."""
    rows: dict[int, dict[str, float | str]] = {}
    for at, values in [*record.losses, *record.scores, *record.health]:
        if at.run_images not in rows:
            where = (at.run_images, at.epoch, at.epoch_images, at.x, at.lr, at.time, at.data)
            rows[at.run_images] = dict(zip(WHERE, where, strict=True))
        shown = {name: value if math.isfinite(value) else "" for name, value in values.items()}
        rows[at.run_images].update(shown)
    return [rows[images] for images in sorted(rows)]


if __name__ == "__main__":
    run_command(main)
