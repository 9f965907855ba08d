"""Shows what a run has logged, during training and after it:

python scripts/show_run.py plot NAME [NAME2 ...]    curves of losses and scores, of several runs over each other
python scripts/show_run.py table NAME               a CSV file of all values, for spreadsheets
python scripts/show_run.py page NAME                the training page, where it is lost or --no_html left it out
python scripts/show_run.py visdom NAME              the run in visdom, with its images

docs/watching.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.base_options import LogOptions, at_least
from util.errors import run_command
from util.script_parser import ScriptHelp, script_parser

VISDOM = {
    "display_server": "visdom's server",
    "display_port": "its port",
    "display_env": "environment to show the run in",
    "display_id": "number of the first window; runs in one environment need numbers of their own",
    "display_ncols": "images per row; 0 = a window each",
    "display_winsize": "width of an image, in pixels",
}


def main(argv: Sequence[str]) -> int:
    """Makes one view; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(argv)
    show: Callable[[argparse.Namespace], int]
    if options.view == "plot":
        from scripts.lib.show_run.plot import plot as show
    elif options.view == "table":
        from scripts.lib.show_run.table import write_table as show
    elif options.view == "page":
        from scripts.lib.show_run.page import write_page as show
    else:
        try:
            options.log = LogOptions(**{name: getattr(options, name) for name in VISDOM})
            at_least(1, display_id=options.display_id)
        except ValueError as error:
            parser.error(str(error))
        from scripts.lib.show_run.visdom import show_in_visdom as show
    return show(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    views = parser.add_subparsers(
        dest="view", required=True, metavar="plot | table | page | visdom"
    )

    def view(name: str, text: str) -> Callable[..., argparse.Action]:
        added = views.add_parser(
            name, description=text, help=text, formatter_class=ScriptHelp, allow_abbrev=False
        )
        return added.add_argument

    # fmt: off
    add = view("plot", "Draws curves; logs of the original code are read too.")
    add("names", nargs="+", metavar="NAME", help="name of a run, its folder, or a log file: metrics.jsonl or loss_log.txt")
    _add_place(add)
    add("--out", type=Path, metavar="FILE", help=".png, .svg or .pdf (default: losses.png, beside the log or, for several, here)")
    add("--series", default="*", help="what is drawn: names with commas, * for any text, e.g. 'G_*,val_psnr'")
    add("--smooth", type=float, default=0.0, help="0 to 0.99: moving average of losses, over the faint original")
    add("--log", action="store_true", help="logarithmic values")
    add("--x", choices=("epochs", "images"), default="epochs", help="unit of the x axis")
    add("--together", action="store_true", help="one panel for all curves, instead of one each")
    add("--run", default="last", help="of a log with several runs: last, all, or a number from 1")

    add = view("table", "Writes a row for each count of images at which anything was logged, a column for each name.")
    add("name", metavar="NAME", help="name of a run")
    _add_place(add)
    add("--out", type=Path, metavar="FILE", help="file to write (default: metrics.csv in the run's folder)")

    add = view("page", "Writes the training page again, from the log and the images.")
    add("name", metavar="NAME", help="name of a run")
    _add_place(add)

    add = view("visdom", "Draws the run in visdom.")
    add("name", metavar="NAME", help="name of a run")
    _add_place(add)
    add("--follow", action="store_true", help="go on until the run ends")
    for name, text in VISDOM.items():
        default = getattr(LogOptions(), name)
        add(f"--{name}", type=type(default), default=default, help=text)
    # fmt: on
    return parser


def _add_place(add: Callable[..., argparse.Action]) -> None:
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs")


if __name__ == "__main__":
    run_command(main)
