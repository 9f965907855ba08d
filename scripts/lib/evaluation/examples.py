"""Translations of the same inputs by several runs, as examples for a page."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean

import torch

from options.metrics import SIMPLE, metric
from scripts.lib.evaluation.measure import Scores
from scripts.lib.evaluation.result_folders import Comparison, TestRun, read
from scripts.lib.evaluation.verdict import ScoreRow, verdict
from util.errors import InputError
from util.metrics import Result
from util.metrics.paired import PIXEL_METRICS
from util.pages.gallery import Column, Example, Picture
from util.pages.gallery.content import Place
from util.pages.result_metrics import metric_column

INPUT, TRUTH = "input", "truth"


@dataclass(frozen=True)
class ComparedExamples:
    """pair: labels of what is compared first. verdict: sentences about all examples."""

    examples: list[Example]
    columns: list[Column]
    pair: tuple[str, str]
    verdict: list[str]
    notes: list[str]


def collect_examples(
    runs: Sequence[TestRun], comparisons: Sequence[Comparison], out: Path, *, unpaired: bool
) -> ComparedExamples:
    """Collects every input that any run has translated, with links from the folder `out`.

    Args:
        runs: of different names; the first is what others are compared with.
        unpaired: whether images that have an output's name are not its truth.
    Raises: InputError when no input is common to all runs, or an image cannot be read.
    """
    examples: list[Example] = []
    verdicts, notes = [], []
    for comparison in comparisons:
        names = sorted(set(chain(*(run.files.get(comparison.fake, ()) for run in runs))))
        notes += _missing(runs, comparison, names)
        prefix = f"{comparison.title}: " if len(comparisons) > 1 else ""
        maker = _ExampleMaker(runs, comparison, out, unpaired, prefix)
        with ThreadPoolExecutor(4) as pool:  # most of the time images are decoded
            found = list(pool.map(maker.example, names))
        examples += found
        verdicts += [
            prefix + sentence for sentence in _verdict([_label(run) for run in runs], found)
        ]
    columns = list(_columns([_label(run) for run in runs]))
    truth = any(picture.label == TRUTH for example in examples for picture in example.pictures)
    labels = [*(_label(run) for run in runs), TRUTH if truth else INPUT]
    pair = (labels[0], labels[-1] if truth or len(runs) == 1 else labels[1])
    return ComparedExamples(examples, columns, pair, verdicts, notes)


def _verdict(labels: Sequence[str], examples: Sequence[Example]) -> list[str]:
    """Says which run is the best over the examples that all have; [] where none is measured."""
    wanted = {(label, name) for label in labels for name in SIMPLE}
    common = [each for each in examples if wanted <= each.values.keys()]
    if not common:
        return []
    rows = []
    for label in labels:
        per_image = {
            name: {each.name: each.values[label, name] for each in common} for name in SIMPLE
        }
        results = {
            name: Result(fmean(values.values()), math.nan, len(values), len(values))
            for name, values in per_image.items()
        }
        rows.append(ScoreRow(label, [Scores(results, per_image)]))
    return [verdict(rows, SIMPLE)]


def _missing(
    runs: Sequence[TestRun], comparison: Comparison, names: Sequence[str]
) -> Iterator[str]:
    own = [run.files.get(comparison.fake, {}).keys() for run in runs]
    if not set.intersection(*map(set, own)):
        firsts = "; ".join(f"{run.name}: {min(o, default='none')}" for run, o in zip(runs, own, strict=True))  # fmt: skip
        raise InputError(
            f"the runs have no input in common ({comparison.fake}; {firsts}): test them on the same --dataroot and "
            "--phase, or give --direction"
        )
    for run, has in zip(runs, own, strict=True):
        if lacking := len(names) - len(has):
            yield f"{comparison.title}: {run.name} lacks {lacking} of {len(names)} inputs."


def _columns(labels: Sequence[str]) -> Iterator[Column]:
    rivals = len(labels) > 1
    for name in SIMPLE:
        for label in labels:
            yield metric_column((label, name), f"{label} {name}", contest=name if rivals else "")
    for other in labels[1:]:
        for name in SIMPLE:
            place = _against(other, labels[0], name)
            yield Column(place, place[1], None, metric(name).decimals)
        place = _apart(other, labels[0])
        yield Column(place, place[1], None, metric("l1").decimals)


def _against(label: str, first: str, name: str) -> Place:
    """Names how much larger a run's metric is than the first run's."""
    return "", f"{label} - {first} {name}"


def _apart(label: str, first: str) -> Place:
    """Names how far a run's output is from the first run's."""
    return "", f"|{label} - {first}| l1"


def _label(run: TestRun) -> str:
    return f"run {run.name}" if run.name in (INPUT, TRUTH) else run.name


def link_to(path: Path, folder: Path) -> str:
    """Returns the path relative to the folder. Raises: InputError on Windows, from one drive to another."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        raise InputError(
            f"a page in {folder} cannot link to {path}: give an --out on its drive"
        ) from None


@dataclass(frozen=True)
class _ExampleMaker:
    runs: Sequence[TestRun]
    comparison: Comparison
    out: Path
    unpaired: bool
    prefix: str  # of names

    def example(self, name: str) -> Example:
        truths = {} if self.unpaired else self._files(self.comparison.real, name)
        inputs = self._files(self.comparison.source, name)
        images: dict[str, torch.Tensor] = {}
        pictures, values = [], {}
        for label, files in ((INPUT, inputs), (TRUTH, truths)):
            for path in list(files.values())[:1]:
                pictures.append(self._picture(path, label, read(path)))
        for label, path in self._files(self.comparison.fake, name).items():
            images[label] = read(path)
            pictures.append(self._picture(path, label, images[label]))
            if truths:  # the run's own, which may be of another size than other runs'
                truth = read(truths.get(label) or next(iter(truths.values())))
                values.update(_values(label, images[label], truth))
        values.update(_differences(images, values, _label(self.runs[0])))
        return Example(f"{self.prefix}{name}", [pictures], values)

    def _files(self, label: str, name: str) -> dict[str, Path]:
        """Returns files by run, of the runs that have one."""
        found = {_label(run): run.files.get(label, {}).get(name) for run in self.runs}
        return {run: path for run, path in found.items() if path is not None}

    def _picture(self, path: Path, label: str, image: torch.Tensor) -> Picture:
        return Picture(link_to(path, self.out), label, image.shape[-1], image.shape[-2])


def _values(label: str, image: torch.Tensor, truth: torch.Tensor) -> dict[Place, float]:
    if image.shape != truth.shape:
        return {}
    return {(label, name): PIXEL_METRICS[name](image[None], truth[None]).item() for name in SIMPLE}


def _differences(
    images: dict[str, torch.Tensor], values: dict[Place, float], first: str
) -> dict[Place, float]:
    found = {}
    for label in images.keys() - {first} if first in images else ():
        for name in SIMPLE:
            if (label, name) in values and (first, name) in values:
                difference = values[label, name] - values[first, name]
                found[_against(label, first, name)] = difference
        if images[label].shape == images[first].shape:
            l1 = PIXEL_METRICS["l1"](images[label][None], images[first][None])
            found[_apart(label, first)] = l1.item()
    return found
