"""Tables of scores, one for each comparison that the result folders allow: runs, groups of seeds and trivial answers as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from options.metrics import OF_VALUES, SIMPLE, metric
from options.types import Range
from scripts.lib.evaluation.measure import score, score_constant, training_mean
from scripts.lib.evaluation.report import ScoreTable
from scripts.lib.evaluation.result_folders import (
    COMPARISONS,
    Comparison,
    File,
    Files,
    TestRun,
    ValueFile,
    common_range,
    read,
    read_numbers,
    truth_folder,
)
from scripts.lib.evaluation.verdict import ScoreRow
from util.errors import InputError
from util.metrics.networks import Networks
from util.metrics.paired import SMALLEST

Groups = Mapping[str, Sequence[TestRun]]  # name -> runs that differ by seed alone


@dataclass(frozen=True)
class EvaluationOptions:
    """Wishes of the command line.

    names: metrics, the deciding one first. lenient: leave out those that these images are too small or few for.
    sides: domains of the results to look at, "AB", "A" or "B". half: where B is in pairs of training images.
    """

    names: Sequence[str]
    lenient: bool
    sides: str = "AB"
    truth: Path | None = None
    train: Path | None = None
    half: str = "right"
    unpaired: bool = False


def build_tables(
    groups: Groups, options: EvaluationOptions, networks: Networks
) -> list[ScoreTable]:
    """Raises: InputError when nothing can be compared."""
    runs = [run for members in groups.values() for run in members]
    sides = options.sides
    if options.truth and len(sides) > 1:  # the truths are of one domain
        sides = "B" if any("fake_B" in run.files for run in runs) else "A"
    tables = []
    for comparison in (each for each in COMPARISONS if each.into in sides):
        translation = bool(comparison.source)
        names = [name for name in options.names if translation or name in (*SIMPLE, *OF_VALUES)]
        truth = options.truth if translation else None
        if names and (table := _table(comparison, groups, names, options, truth, networks)):
            tables.append(table)
    if not tables:
        raise InputError(
            "there is nothing to compare the results with: their folders hold no truths (real_B for fake_B, real_A for "
            "fake_A). Give them by --truth DIR, under the names of the inputs"
        )
    if not any(table.rows for table in tables):
        notes = [note for table in tables for note in table.notes]
        reason = "; ".join(notes) or "--unpaired leaves only sets"
        raise InputError(f"none of {', '.join(options.names)} can be measured here: {reason}")
    return [table for table in tables if table.rows]


def _table(
    comparison: Comparison,
    groups: Groups,
    names: Sequence[str],
    options: EvaluationOptions,
    truth: Path | None,
    networks: Networks,
) -> ScoreTable | None:
    having = {
        name: runs for name, runs in groups.items() if all(comparison.fake in r.files for r in runs)
    }
    runs = [run for members in having.values() for run in members]
    reals = [_reals(run, comparison, truth) for run in runs]
    if not runs or not all(reals):
        return None
    fakes = [run.measured(comparison.fake) for run in runs]
    bounds = common_range(fakes[0], reals[0])
    if options.lenient:
        names = _of_values(names) if bounds else names
    table = ScoreTable(comparison, names)
    table.notes += _depth_notes(names, runs, fakes, reals)
    table.notes += [f"{n} has no {comparison.fake}" for n in groups if n not in having]
    shared = [] if options.unpaired else _shared(comparison, runs, fakes, reals, table)
    table.names = _possible(names, fakes, reals, shared, options, table)
    if not table.names:
        return table
    table.notes += _different_truths(runs, reals, shared)
    places = {id(run): place for place, run in enumerate(runs)}
    for name, members in having.items():
        found = []
        for run in members:
            place = places[id(run)]
            print(f"measuring {run.folder}: {comparison.title}", flush=True)
            found.append(score(table.names, fakes[place], reals[place], shared, networks))
        place = places[id(members[0])]
        inputs = members[0].files.get(comparison.source, {})
        first = members[0]
        pictures = fakes[place] if first.plain else first.files[comparison.fake]
        table.files[name] = (pictures, reals[place], inputs)
        table.rows.append(ScoreRow(name, found))
    if comparison.source:
        _add_trivial(table, runs[0], reals[0], shared, options, networks)
    return table


def _reals(run: TestRun, comparison: Comparison, truth: Path | None) -> Files:
    if truth:
        return truth_folder(truth, run.files[comparison.fake], run, comparison.into)
    return run.measured(comparison.real)


def _of_values(names: Sequence[str]) -> list[str]:
    """Puts what is measured in the numbers of files in place of l1, which is a part of their range."""
    return [*OF_VALUES, *(name for name in names if name != "l1" and name not in OF_VALUES)]


def _depth_notes(
    names: Sequence[str], runs: list[TestRun], fakes: list[Files], reals: list[Files]
) -> list[str]:
    """Says what of files of more than 8 bits is measured on their 8-bit pictures."""
    notes = []
    for run, fake, real in zip(runs, fakes, reals, strict=True):
        whole = [isinstance(file, ValueFile) for file in (*fake.values(), *real.values())]
        if any(whole) and not all(whole):
            notes.append(
                f"{run.name} is measured on its 8-bit pictures, as {run.folder / 'values'} does not have all of its results"
            )
        elif any(whole) and (seen := [name for name in names if metric(name).network]):
            text = (
                f"{', '.join(seen)} of files of more than 8 bits: measured on their 8-bit pictures"
            )
            notes += [] if text in notes else [text]
    return notes


def _shared(
    comparison: Comparison,
    runs: list[TestRun],
    fakes: list[Files],
    reals: list[Files],
    table: ScoreTable,
) -> list[str]:
    """Names of the images that all runs have results and truths for. Raises: InputError when runs share none."""
    pairs = [fake.keys() & real.keys() for fake, real in zip(fakes, reals, strict=True)]
    if not any(pairs):
        table.notes.append(
            f"no {comparison.fake} has the name of a {comparison.real}: not pairs, so only sets are compared"
        )
        return []
    shared = sorted(set.intersection(*map(set, pairs)))
    if not shared:
        names = " and ".join(str(run.folder) for run in runs)
        raise InputError(f"{names} have no image in common: test them on the same images")
    left = max(len(fake) for fake in fakes) - len(shared)
    if left:
        table.notes.append(
            f"pairs: the {len(shared)} images that all runs and the truths have; up to {left} more are left out "
            "(if equal names are chance here, say --unpaired)"
        )
    return shared


def _possible(
    names: Sequence[str],
    fakes: list[Files],
    reals: list[Files],
    shared: list[str],
    options: EvaluationOptions,
    table: ScoreTable,
) -> list[str]:
    """Returns the metrics that can be computed of these images."""
    side = min(read(next(iter(fakes[0].values()))).shape[1:])
    few = min(map(len, [*fakes, *reals])) < 2
    taken = []
    for name in names:
        if metric(name).paired and not shared:
            continue
        small = side < SMALLEST.get(name, 0)
        if options.lenient and (small or (few and not metric(name).paired)):
            table.notes.append(
                f"{name} is left out: the images are too {'small' if small else 'few'}"
            )
            continue
        taken.append(name)
    return taken


def _different_truths(runs: list[TestRun], reals: list[Files], shared: list[str]) -> list[str]:
    """Notes about runs whose truths are not those of the first one: their rows say nothing about each other."""
    notes = []
    for name in shared[:1] + shared[len(shared) // 2 :][:1]:
        first = read(reals[0][name])
        for run, files in zip(runs[1:], reals[1:], strict=True):
            other = read(files[name])
            # Results of the original code are cut off where ours are rounded.
            if first.shape != other.shape or (first.int() - other.int()).abs().max() > 1:
                text = (
                    f"{run.name} was tested on other truths than {runs[0].name}: data, size or preprocessing differ, "
                    "so their rows cannot be compared"
                )
                notes += [text] if text not in notes else []
    return notes


def _add_trivial(
    table: ScoreTable,
    run: TestRun,
    reals: Files,
    shared: list[str],
    options: EvaluationOptions,
    networks: Networks,
) -> None:
    inputs = run.measured(table.comparison.source)
    bounds = common_range(run.measured(table.comparison.fake), reals)
    if bounds and not common_range(inputs, inputs):  # 8 bits against more
        inputs = {}
    try:
        if inputs:
            names = [n for n in table.names if metric(n).paired or len(inputs) > 1]
            table.rows.append(
                ScoreRow(
                    "input as output", [score(names, inputs, reals, shared, networks)], trivial=True
                )
            )
    except InputError as error:  # an input of another size is no answer
        table.notes.append(f"no row for the input as output: {error}")
    if not options.train or not shared:
        return
    paired = [name for name in table.names if metric(name).paired]
    size = read(reals[shared[0]]).shape[1:]
    side = table.comparison.into
    mean = training_mean(
        options.train,
        side,
        options.half,
        (size[0], size[1]),
        lambda path: _read_training(run.file(path, side), bounds),
    )
    if any(read(reals[name]).shape[1:] != size for name in shared):
        table.notes.append("no row for the mean training image: the results have several sizes")
    elif mean is not None and paired:
        scores = score_constant(paired, mean, reals, shared, networks)
        table.rows.append(ScoreRow("mean training image", [scores], trivial=True))


def _read_training(file: File, bounds: Range | None) -> torch.Tensor:
    """Reads uint8 (3, H, W), or float64 (C, H, W) in units of the range where one is measured."""
    if bounds is None or not isinstance(file, ValueFile):
        return read(file)
    return torch.from_numpy(np.moveaxis(read_numbers(file, bounds), -1, 0).copy())
