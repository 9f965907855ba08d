"""One page for several runs or checkpoints: python scripts/compare_results.py results/A/test_latest results/B/test_latest

For each input the page shows what all runs made of it, with the same slider, difference maps, sorting and filtering as
a result page. Images are linked, not copied: move the folders together. docs/pages.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.lib.evaluation.examples import METRICS, compared, link_to
from scripts.lib.evaluation.folders import COMPARISONS, distinct, read_run
from util.errors import InputError, run_command
from util.files import make_folder
from util.pages.gallery import write_gallery
from util.pages.result_metrics import meanings
from util.script_parser import script_parser

SIDES = {"AtoB": "B", "BtoA": "A", "both": "AB"}


def main(argv: Sequence[str]) -> int:
    """Measures and writes the page; returns the exit status."""
    options = build_parser().parse_args(argv)
    runs = distinct([read_run(folder) for folder in options.folders])
    wanted = [each for each in COMPARISONS if each.source and each.into in SIDES[options.direction]]
    comparisons = [each for each in wanted if any(each.fake in run.files for run in runs)]
    if not comparisons:
        labels = ", ".join(each.fake for each in wanted)
        raise InputError(f"no folder holds images {labels}: leave --direction out, or mend it")
    out = make_folder(options.out)
    pages = {run.name: run.folder / "index.html" for run in runs}
    page = compared(runs, comparisons, out, unpaired=options.unpaired)
    write_gallery(
        out / "index.html",
        f"{', '.join(run.name for run in runs)} on the same inputs",
        page.examples,
        page.columns,
        width=options.display_winsize,
        pair=page.pair,
        links={name: link_to(path, out) for name, path in pages.items() if path.is_file()},
        notes=[*page.notes, *meanings(METRICS if page.columns else [])],
    )
    print(f"{len(page.examples)} inputs, {len(runs)} runs; see {out / 'index.html'}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("folders", nargs="+", type=Path, metavar="RESULTS", help="results/NAME/test_latest; the first is what others are compared with")
    add("--direction", choices=tuple(SIDES), default="both", help="fake_B, fake_A, or what there is")
    add("--unpaired", action="store_true", help="equal names are chance: show and measure no truths")
    add("--display_winsize", type=_width, default=256, help="width of images on the page when it is opened, in pixels")
    add("--out", type=Path, default=Path("results/comparison"), help="folder for the page")
    # fmt: on
    return parser


def _width(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels, 1 or more")
    return int(text)


if __name__ == "__main__":
    run_command(main)
