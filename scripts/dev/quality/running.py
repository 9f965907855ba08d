"""Trains and tests by the project's own commands, several at a time; what is done already is not done again."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.quality.recipes import Budget, Recipe, Task
from util.checkpoints.names import STATE_FILE, list_networks
from util.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
TEST_IMAGES = 200  # of a test split at most: scoring takes a second an image


@dataclass(frozen=True)
class TrainingJob:
    """One training and its test."""

    task: Task
    recipe: Recipe
    direction: str
    seed: int

    @property
    def name(self) -> str:
        """Of its folders."""
        text = f"{self.task.data} {self.recipe.name} {self.direction} seed{self.seed}"
        return re.sub(r"[^A-Za-z0-9]+", "_", text)


@dataclass(frozen=True)
class Place:
    """Folders of data sets, checkpoints and results; the device; and a checkout of the original code, if there is one."""

    work: Path
    budget: Budget
    gpu_ids: str
    reference: Path | None = None

    def data(self, task: Task) -> Path:
        """datasets/prepare.py names the size where it is not the data set's usual one."""
        folder = self.work / f"data{task.size}"
        unusual = folder / f"{task.data}_{task.size}"
        return unusual if unusual.exists() else folder / task.data

    def run(self, job: TrainingJob) -> Path:
        return self.work / "checkpoints" / job.name

    def results(self, job: TrainingJob) -> Path:
        return self.work / "results" / job.name / "test_latest"


def jobs_of(tasks: Sequence[Task], seeds: Sequence[int]) -> list[TrainingJob]:
    """Lists all trainings, the first seed of everything first; a CycleGAN does both directions at once."""
    return [
        TrainingJob(task, recipe, direction, seed)
        for seed in seeds
        for task in tasks
        for recipe in task.recipes
        for direction in task.trained(recipe)
    ]


def run_all(jobs: Sequence[TrainingJob], place: Place, at_once: int) -> Iterator[TrainingJob]:
    """Trains and tests, and gives each job when it is done. Raises: InputError when a command fails."""
    for task in {job.task.data: job.task for job in jobs}.values():
        prepare(task, place)
    pool = ThreadPoolExecutor(at_once)
    try:
        running = [pool.submit(run_one, job, place, at_once) for job in jobs]
        for job, future in zip(jobs, running, strict=True):
            future.result()
            yield job
    finally:
        pool.shutdown(cancel_futures=True)


def prepare(task: Task, place: Place) -> None:
    """Makes the data set."""
    root = place.data(task)
    words = [task.data, "--size", str(task.size), "--out", str(root.parent)]
    line = [sys.executable, str(ROOT / "datasets/prepare.py"), *words]
    command(line, place.work / "prepare.log", threads=1)


def run_one(job: TrainingJob, place: Place, at_once: int) -> None:
    """Runs one training and its test, in processes of their own."""
    run, results = place.run(job), place.results(job)
    epochs = round(job.recipe.length * place.budget.epochs[job.recipe.model, job.task.data])
    threads = max(1, (os.cpu_count() or 1) // at_once)
    log = place.work / "logs" / f"{job.name}.txt"
    state = run / STATE_FILE
    # The original code keeps no state: what was stopped begins again.
    trained = list_networks(run, f"{epochs}") if job.recipe.original or state.exists() else []
    page = results / "index.html"
    if not trained:
        page.unlink(missing_ok=True)
        constant = -(-epochs // 2)
        flags = (
            f"--n_epochs {constant} --n_epochs_decay {epochs - constant} --save_epoch_freq {epochs}"
        )
        loaders = max(1, threads // 2) if place.gpu_ids != "-1" else 1
        quiet = f"--save_latest_freq 20000 --print_freq 2000 --no_html --num_threads {loaders}"
        words = [*training(job, place), *flags.split(), *quiet.split()]
        resume = ["--continue_train"] if state.exists() else []
        command(line_of(job, place, "train.py", [*words, *resume]), log, threads)
    if not page.exists():
        size = job.task.size
        flags = f"--eval --num_test {TEST_IMAGES} --load_size {size} --crop_size {size}"
        where = ["--results_dir", str(place.work / "results")]
        words = [*common(job, place), *where, *flags.split()]
        command(line_of(job, place, "test.py", words), log, threads)


def common(job: TrainingJob, place: Place) -> list[str]:
    """Returns the flags that training and testing share."""
    run = place.run(job)
    where = ["--dataroot", str(place.data(job.task)), "--checkpoints_dir", str(run.parent)]
    flags = f"--name {run.name} --model {job.recipe.model} --direction {job.direction}"
    return [*where, *flags.split(), "--gpu_ids", place.gpu_ids]


def training(job: TrainingJob, place: Place) -> list[str]:
    """Returns the flags of a training, but for how long it is."""
    budget, size = place.budget, job.task.size
    flags = f"{budget.flags[job.recipe.model]} {job.task.flags} {job.recipe.flags}"
    sizes = f"--load_size {size * 9 // 8} --crop_size {size} --seed {job.seed} --display_id -1"
    return [*common(job, place), *flags.format(size=size).split(), *sizes.split()]


# Flags of ours that tell where a run takes place, and that some versions of the original code do not have.
SURROUNDINGS = ("--seed", "--display_id", "--gpu_ids")
SEEDED = """import os, random, runpy, sys
import numpy, torch
for set_seed in (random.seed, numpy.random.seed, torch.manual_seed):
    set_seed(int(sys.argv[1]))
del sys.argv[:2]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")"""


def line_of(job: TrainingJob, place: Place, script: str, words: Sequence[str]) -> list[str]:
    """Returns the command line of train.py or test.py, of this code or of the original one, which has no --seed."""
    if not job.recipe.original:
        return [sys.executable, str(ROOT / script), *words]
    if place.reference is None:
        raise InputError(f"{job.recipe.name!r} needs --reference, the folder of the original code")
    known = known_there(words, place.reference)
    return [sys.executable, "-c", SEEDED, f"{job.seed}", str(place.reference / script), *known]


def known_there(words: Sequence[str], reference: Path) -> list[str]:
    """Leaves out the flags of SURROUNDINGS, with their values, that the options of a checkout do not name."""
    options = "".join(path.read_text("utf-8") for path in (reference / "options").glob("*.py"))
    kept: list[str] = []
    keep = True
    for word in words:
        if word.startswith("--"):
            keep = word not in SURROUNDINGS or word in re.findall(r"--\w+", options)
        if keep:
            kept.append(word)
    return kept


def command(line: Sequence[str], log: Path, threads: int) -> None:
    """Runs a Python script. Raises: InputError when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {shlex.join(['python', *line[1:]])}\n")
        out.flush()
        status = subprocess.run(line, env=env, stdout=out, stderr=out, check=False).returncode
    if status:
        script = next(Path(word).name for word in line[1:] if word.endswith(".py"))
        raise InputError(f"{script} ended with status {status}: see {log}")
