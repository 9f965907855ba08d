"""Scores of trained models against truths, as scripts/evaluate.py measures them: methods as rows, seeds pooled."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from scripts.dev.quality.recipes import Recipe, Task
from scripts.dev.quality.running import Place, TrainingJob
from scripts.lib.evaluation.report import ScoreTable
from scripts.lib.evaluation.result_folders import TestRun, read_run
from scripts.lib.evaluation.tables import EvaluationOptions, build_tables
from util.metrics.networks import Networks

OTHER = {"A": "B", "B": "A"}


def tables_of(
    task: Task, seeds: Sequence[int], place: Place, metrics: Sequence[str], device: torch.device
) -> list[ScoreTable]:
    """Returns a table for each direction, and for reconstructions."""
    groups = {
        recipe.name: [run_of(task, recipe, seed, place) for seed in seeds]
        for recipe in task.recipes
    }
    sides = "AB" if len(task.directions) > 1 else "B"
    # The pairs, not trainA and trainB, which are half of them each.
    options = EvaluationOptions(
        metrics, lenient=False, sides=sides, train=place.data(task) / "train"
    )
    return build_tables(groups, options, Networks(device, {}))


def run_of(task: Task, recipe: Recipe, seed: int, place: Place) -> TestRun:
    """Returns the results of one seed, of all directions, as if one model did both."""
    files = {}
    for direction in task.trained(recipe):
        run = read_run(place.results(TrainingJob(task, recipe, direction, seed)))
        backwards = direction == "BtoA"
        files |= {swapped(k) if backwards else k: found for k, found in run.files.items()}
    return TestRun(f"{recipe.name} seed {seed}", run.folder, files)


def swapped(label: str) -> str:
    """Returns fake_A for fake_B: with --direction BtoA, models of one direction call domain A B."""
    return label[:-1] + OTHER[label[-1]]
