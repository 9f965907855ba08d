"""Curves of losses and scores of one run or several, as a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from scripts.lib.show_run.drawing import PlotStyle, draw
from scripts.lib.show_run.reading import LoggedRun, find_log, read_log
from util.errors import InputError
from util.files import make_folder


def plot(options: argparse.Namespace) -> int:
    """Reads, draws and says where; returns the exit status."""
    if not 0 <= options.smooth < 1:
        raise InputError(f"--smooth {options.smooth:g} must be at least 0 and below 1")
    logs = [find_log(name, options.checkpoints_dir) for name in options.names]
    labels = distinct_labels(options.names)
    runs = [
        run
        for path, label in zip(logs, labels, strict=True)
        for run in read_log(path, label, options.run)
    ]
    names = choose_series(runs, options.series)
    folder = logs[0].parent if len(logs) == 1 else Path()
    file = options.out or folder / "losses.png"
    make_folder(file.parent)
    draw(runs, names, PlotStyle(options.x, options.smooth, options.log, options.together), file)
    print(f"see {file}")
    return 0


def distinct_labels(names: Sequence[str]) -> list[str]:
    """Returns what runs are called: folders by their own names, where those differ."""
    short = [Path(name).parent.name if Path(name).is_file() else Path(name).name for name in names]
    return short if len(set(short)) == len(short) and all(short) else list(names)


def choose_series(runs: Sequence[LoggedRun], series: str) -> list[str]:
    """Returns names of curves, in the order of the patterns. Raises: InputError when a pattern fits none."""
    every = list(dict.fromkeys(name for run in runs for name in run.curves))
    names: list[str] = []
    for pattern in (part.strip() for part in series.split(",")):
        found = [name for name in every if fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"--series: nothing is called {pattern!r}; there are {', '.join(every)}"
            )
        names += [name for name in found if name not in names]
    return names
