"""Draws curves of losses and scores from logs: python scripts/plot_losses.py NAME [NAME2 ...]

A run is given by its name, its folder, or a log file; several are drawn over each other. metrics.jsonl is read, or else
loss_log.txt, also those that the older code wrote.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.lib.curves.drawing import Look, draw
from scripts.lib.curves.reading import Run, find_log, read_log
from util.errors import InputError, run_command
from util.files import make_folder
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Reads, draws and says where; returns the exit status."""
    options = build_parser().parse_args(argv)
    if not 0 <= options.smooth < 1:
        raise InputError(f"--smooth {options.smooth:g} must be at least 0 and below 1")
    logs = [find_log(name, options.checkpoints_dir) for name in options.names]
    labels = distinct(options.names)
    runs = [
        run
        for path, label in zip(logs, labels, strict=True)
        for run in read_log(path, label, options.run)
    ]
    names = chosen(runs, options.series)
    folder = logs[0].parent if len(logs) == 1 else Path()
    file = options.out or folder / "losses.png"
    make_folder(file.parent)
    draw(runs, names, Look(options.x, options.smooth, options.log, options.together), file)
    print(f"see {file}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("names", nargs="+", metavar="NAME", help="name of a run, its folder, or a log file")
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="where runs are looked for [checkpoints]")
    add("--out", type=Path, help="file to write: .png, .svg, .pdf [losses.png beside the log, or here for several]")
    add("--series", default="*", help="what is drawn: names with commas, * for any text, e.g. 'G_*,val_psnr' [*]")
    add("--smooth", type=float, default=0.0, help="0 to 0.99: moving average of losses, over the faint original [0]")
    add("--log", action="store_true", help="logarithmic values")
    add("--x", choices=("epochs", "images"), default="epochs", help="unit of the x axis [epochs]")
    add("--together", action="store_true", help="one panel for all, instead of one each")
    add("--run", default="last", help="of a log with several runs: last, all, or a number from 1 [last]")
    # fmt: on
    return parser


def distinct(names: Sequence[str]) -> list[str]:
    """What runs are called: folders by their own names, where those differ."""
    short = [Path(name).parent.name if Path(name).is_file() else Path(name).name for name in names]
    return short if len(set(short)) == len(short) and all(short) else list(names)


def chosen(runs: Sequence[Run], series: str) -> list[str]:
    """Names of curves, in the order of the patterns. Raises: InputError when a pattern fits none."""
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


if __name__ == "__main__":
    run_command(main)
