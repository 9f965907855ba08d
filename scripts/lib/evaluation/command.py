"""scripts/evaluate.py after its flags: tests checkpoints, measures, reports."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scripts.lib.evaluation.checkpoints import Tester, latest_of, training_images
from scripts.lib.evaluation.page import write_report_page
from scripts.lib.evaluation.report import text_of, write_csv, write_json
from scripts.lib.evaluation.result_folders import SIDES, name_distinctly, plain_run
from scripts.lib.evaluation.segmenter import Segmenter, label_table, score_labels
from scripts.lib.evaluation.tables import EvaluationOptions, Groups, build_tables
from scripts.lib.generator_flags import chosen_device
from util.design.links import add_link, links_to
from util.errors import InputError, explain_out_of_memory
from util.files import make_folder, write_text
from util.metrics import choose_metrics, missing_metrics
from util.metrics.networks import Networks

# Where the network of the first can be had, it stands for the second.
AUTO = (("l1",), ("psnr",), ("ssim",), ("lpips", "pd_lite0"), ("kid", "kd_lite0"))


def evaluate(options: argparse.Namespace) -> int:
    """Measures, prints and writes; returns the exit status."""
    device = chosen_device(options)
    try:
        weights = {"inception": options.inception_weights, "alexnet": options.lpips_weights}
        for path in filter(None, weights.values()):
            if not Path(path).is_file():  # automatic metrics would do without it and say nothing
                raise InputError(f"there is no file {path} of weights")
        left_out: dict[str, str] = {}
        if options.metrics == "auto":
            names, left_out = automatic_metrics(weights)
        else:
            names = choose_metrics(options.metrics)
    except ValueError as error:
        raise InputError(str(error)) from None
    absent = missing_metrics(names, weights)
    if absent:
        raise InputError("\n".join(absent.values()))
    asked = EvaluationOptions(
        names,
        lenient=options.metrics == "auto",
        sides=SIDES[options.direction],
        truth=options.truth,
        train=options.train,
        half=options.half,
        unpaired=options.unpaired,
    )
    segmenter = Segmenter.read(options.segmenter).to(device) if options.segmenter else None
    out = make_folder(options.out)
    tester = Tester(out / "results", options.dataroot, options.test_flags, options.gpu_ids)
    with explain_out_of_memory():
        if options.fake:
            groups: Groups = plain_group(options)
        else:
            groups = group_runs(options.folders, options.group, tester)
        if tester.tested and asked.train is None and (known := training_images(tester.tested)):
            asked = replace(asked, train=known[0], half=known[1])
        tables = build_tables(groups, asked, Networks(device, weights))
        for table in tables:
            print(f"\n{text_of(table)}")
        for table in tables:
            print(f"\n{table.comparison.title}: which to use? {table.verdict}")
        write_json(out / "report.json", tables)
        write_csv(out / "report.csv", tables)
        pages = {
            f"Results {run.name}": run.folder / "index.html"
            for runs in groups.values()
            for run in runs
        }
        write_report_page(out / "index.html", tables, links=links_to(pages, out))
        for result_page in pages.values():
            add_link(result_page, "Evaluation", out / "index.html")
        if segmenter:
            rows = score_labels(segmenter, groups)
            print(f"\n{label_table(rows)}")
            write_text(
                out / "labels.json", json.dumps([row.plain() for row in rows], indent=1) + "\n"
            )
    print(f"\nsee {out / 'index.html'}")
    if left_out:
        commands = dict.fromkeys(reason.partition(": ")[2] for reason in left_out.values())
        print(
            f"note: not measured, for want of packages: {', '.join(left_out)} ({'; '.join(commands)})"
        )
    return 0


def plain_group(options: argparse.Namespace) -> Groups:
    """Returns the folder of --fake as the only run. Raises: InputError where other flags do not fit it."""
    if options.truth is None:
        raise InputError("--fake DIR is compared with --truth DIR: give the folder of the truths")
    if options.folders or options.group:
        raise InputError("--fake is measured for itself: leave out the other results")
    try:
        run = plain_run(options.fake, options.truth, options.range_B, options.nodata)
    except ValueError as error:
        raise InputError(str(error)) from None
    return {run.name: [run]}


def automatic_metrics(weights: dict[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Returns the metrics that can be computed here, and the reasons of those that are left out, by name."""
    names, left_out = [], {}
    for choices in AUTO:
        absent = missing_metrics(choices, weights)
        had = [name for name in choices if name not in absent]
        if had:
            names.append(had[0])
        else:
            left_out[choices[-1]] = absent[choices[-1]]
    return tuple(names), left_out


def group_runs(places: Sequence[Path], groups: Sequence[str], tester: Tester) -> Groups:
    """Returns name -> runs: each place by itself, then the groups.

    Raises: InputError for none, a malformed group, or checkpoints that cannot be tested.
    """
    alone = name_distinctly([run for place in places for run in tester.runs_at(place)])
    found = {run.name: [run] for run in alone}
    for text in groups:
        name, equals, members = text.partition("=")
        listed = [Path(member.strip()) for member in members.split(",") if member.strip()]
        if not (equals and name.strip() and listed):
            raise InputError(f"--group {text!r} is not NAME=FOLDER,FOLDER")
        if name in found:
            raise InputError(f"two rows would be called {name}: give --group another name")
        # One of each folder: seeds count once.
        found[name] = name_distinctly(
            [run for place in listed for run in tester.runs_at(latest_of(place))]
        )
    if not found:
        raise InputError(
            "no results are named: python scripts/evaluate.py results/NAME/test_latest, as test.py wrote it, or "
            "checkpoints/NAME"
        )
    return found
