"""Runs as curves, from metrics.jsonl or loss_log.txt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.lib.show_run.loss_log import epoch_images, read_runs
from util.errors import InputError
from util.logs.records import FILE, Record, read_record, read_records

OLD = "loss_log.txt"


@dataclass
class Curve:
    """Values over a run, and where they were measured, in epochs and in images."""

    epochs: list[float] = field(default_factory=list)
    images: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass
class LoggedRun:
    """Curves by name, in the order in which they were logged."""

    label: str
    curves: dict[str, Curve] = field(default_factory=dict)

    def add(self, epochs: float, images: float, values: dict[str, float]) -> None:
        for name, value in values.items():
            curve = self.curves.setdefault(name, Curve())
            curve.epochs.append(epochs)
            curve.images.append(images)
            curve.values.append(value)


def read_run(folder: Path) -> Record:
    """Reads what the run in a folder has logged. Raises: InputError when there is no log."""
    try:
        return read_record(folder / FILE)
    except OSError as error:
        raise InputError(
            f"cannot read {folder / FILE} ({error.strerror}): NAME and --checkpoints_dir say which run it is"
        ) from None


def find_log(name: str, checkpoints: Path) -> Path:
    """Returns the log of a run, given by its name, its folder, or as a file. Raises: InputError when there is none."""
    for place in (checkpoints / name, Path(name)):
        if place.is_file():
            return place
        for file in (FILE, OLD):
            if (place / file).is_file():
                return place / file
    raise InputError(
        f"{name}: there is neither {checkpoints / name / FILE} nor {OLD} beside it; give the name of a run in "
        "--checkpoints_dir, its folder, or a log file"
    )


def read_log(path: Path, label: str, which: str) -> list[LoggedRun]:
    """Runs that the file logs.

    Args:
        which: last, all, or a number from 1.
    Raises: InputError when it cannot be read, or has no such run.
    """
    try:
        if path.suffix == ".jsonl":
            found = [_of_record(label, record) for record in read_records(path)]
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            found = [_of_lines(label, lines) for lines in read_runs(text)]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if not any(run.curves for run in found):
        raise InputError(f"{path} has no line of losses")
    if which == "last":
        return [[run for run in found if run.curves][-1]]
    for number, run in enumerate(found, 1):
        run.label = f"{label}, run {number}"
    if which == "all":
        return [run for run in found if run.curves]
    if not which.isdecimal() or not 1 <= int(which) <= len(found):
        raise InputError(f"--run {which}: {path} has runs 1 to {len(found)}; or say last, or all")
    return [found[int(which) - 1]]


def _of_record(label: str, record: Record) -> LoggedRun:
    run = LoggedRun(label)
    for points in (record.losses, record.scores, record.health):
        for at, values in points:
            run.add(at.x, at.run_images, values)
    return run


def _of_lines(label: str, lines: Iterable) -> LoggedRun:
    run, lines = LoggedRun(label), list(lines)
    size = epoch_images(lines)
    for line in lines:
        images = (line.epoch - 1) * size + line.iters
        run.add(images / size, images, line.values)
    return run
