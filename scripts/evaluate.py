"""How good results are, and which of several runs to use: python scripts/evaluate.py results/NAME/test_latest ...

Measures what test.py wrote against the truths beside it, or those in --truth, and writes report.json, report.csv and
index.html. Given checkpoints/NAME instead, it tests what is saved there first: latest, what was best, and averages. docs/evaluation.md says what the metrics mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.base_options import RunOptions
from scripts.lib.evaluation.checkpoints import Tester, latest_of, training_images
from scripts.lib.evaluation.folders import distinct
from scripts.lib.evaluation.page import write_report_page
from scripts.lib.evaluation.report import text_of, write_csv, write_json
from scripts.lib.evaluation.tables import Ask, Groups, build_tables
from util.device import select_device
from util.errors import InputError, run_command
from util.failures import explained
from util.files import make_folder
from util.metrics import chosen, missing
from util.metrics.networks import Networks
from util.script_parser import script_parser

# Where the network of the first can be had, it stands for the second.
AUTO = (("l1",), ("psnr",), ("ssim",), ("lpips", "pd_lite0"), ("kid", "kd_lite0"))


def main(argv: Sequence[str]) -> int:
    """Measures, prints and writes; returns the exit status."""
    options = build_parser().parse_args(argv)
    try:
        device = select_device(RunOptions(gpu_ids=options.gpu_ids).gpu_ids)
        weights = {"inception": options.inception_weights, "alexnet": options.lpips_weights}
        for path in filter(None, weights.values()):
            if not Path(path).is_file():  # automatic metrics would do without it and say nothing
                raise InputError(f"there is no file {path} of weights")
        names = automatic(weights) if options.metrics == "auto" else chosen(options.metrics)
    except ValueError as error:
        raise InputError(str(error)) from None
    absent = missing(names, weights)
    if absent:
        raise InputError("\n".join(absent.values()))
    ask = Ask(
        names,
        lenient=options.metrics == "auto",
        sides={"AtoB": "B", "BtoA": "A", "both": "AB"}[options.direction],
        truth=options.truth,
        train=options.train,
        half=options.half,
        unpaired=options.unpaired,
    )
    out = make_folder(options.out)
    tester = Tester(out / "results", options.dataroot, options.test_flags, options.gpu_ids)
    with explained():
        groups = grouped(options.folders, options.group, tester)
        if tester.tested and ask.train is None and (known := training_images(tester.tested)):
            ask = replace(ask, train=known[0], half=known[1])
        tables = build_tables(groups, ask, Networks(device, weights))
        for table in tables:
            print(f"\n{text_of(table)}")
        for table in tables:
            print(f"\n{table.comparison.title}: which to use? {table.verdict}")
        write_json(out / "report.json", tables)
        write_csv(out / "report.csv", tables)
        write_report_page(out / "index.html", tables)
    print(f"\nsee {out / 'index.html'}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("folders", nargs="*", type=Path, metavar="RESULTS", help="results/NAME/test_latest, checkpoints/NAME, or one of its files LABEL_net_G.pth")
    add("--group", action="append", default=[], metavar="NAME=DIR,DIR", help="one run by several seeds, as one row")
    add("--metrics", default="auto", help="names with commas, the deciding one first; auto: what can be had here")
    add("--truth", type=Path, help="folder of truths, under the names of the inputs; default: the results' own")
    add("--direction", choices=("AtoB", "BtoA", "both"), default="both", help="fake_B, fake_A, or what there is")
    add("--unpaired", action="store_true", help="equal names are chance: compare sets only")
    add("--train", type=Path, help="data set that the runs were trained on, for the mean training image")
    add("--half", choices=("left", "right"), default="right", help="where B is in pairs of --train; for pix2pix with --direction BtoA left")
    add("--dataroot", default="", help="data set that checkpoints are tested on; default: their own")
    add("--test_flags", default="", metavar="'FLAGS'", help="further flags for test.py when checkpoints are tested, e.g. '--eval --phase val'")
    add("--inception_weights", default="", help="file of weights for kid and fid; default: torch's cache")
    add("--lpips_weights", default="", help="file of AlexNet's weights for lpips; default: torch's cache")
    add("--gpu_ids", default="0", help="the GPU to use, if there is one; -1 for the CPU")
    add("--out", type=Path, default=Path("results/evaluation"), help="folder for the report")
    # fmt: on
    return parser


def automatic(weights: dict[str, str]) -> tuple[str, ...]:
    """The metrics that can be computed here; prints what is left out."""
    names = []
    for choices in AUTO:
        absent = missing(choices, weights)
        had = [name for name in choices if name not in absent]
        if had:
            names.append(had[0])
        else:
            reason = absent[choices[-1]]
            print(f"note: without {' and '.join(choices)}: {reason}")
    return tuple(names)


def grouped(places: Sequence[Path], groups: Sequence[str], tester: Tester) -> Groups:
    """Name -> runs: each place by itself, then the groups.

    Raises: InputError for none, a malformed group, or checkpoints that cannot be tested.
    """
    alone = distinct([run for place in places for run in tester.runs_at(place)])
    found = {run.name: [run] for run in alone}
    for text in groups:
        name, equals, members = text.partition("=")
        listed = [Path(member.strip()) for member in members.split(",") if member.strip()]
        if not (equals and name.strip() and listed):
            raise InputError(f"--group {text!r} is not NAME=FOLDER,FOLDER")
        if name in found:
            raise InputError(f"two rows would be called {name}: give --group another name")
        # One of each folder: seeds count once.
        found[name] = distinct(
            [run for place in listed for run in tester.runs_at(latest_of(place))]
        )
    if not found:
        raise InputError(
            "no results are named: python scripts/evaluate.py results/NAME/test_latest, as test.py wrote it, or "
            "checkpoints/NAME"
        )
    return found


if __name__ == "__main__":
    run_command(main)
