"""scripts/dev/quality_benchmark.py: what it would train is sound, it trains for real, and its tables say what was measured."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import write_images
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from models import Execution, create_model
from models.base_model import Adam
from options.train_options import TrainOptions
from scripts.dev import quality_benchmark
from scripts.dev.quality.recipes import (
    BUDGETS,
    CYCLEGAN,
    PIX2PIX,
    Budget,
    Task,
    beside_original,
    parts_of,
)
from scripts.dev.quality.running import Place, TrainingJob, jobs_of, known_there, run_one, training
from scripts.dev.quality.scoring import tables_of
from scripts.dev.quality.writing import append, section
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")

CPU = torch.device("cpu")
META = Execution(torch.device("meta"))
TINY = Budget(
    "tiny",
    (),
    {"pix2pix": "--netG resnet_6blocks --ngf 2 --ndf 2 --netD pixel"},
    {("pix2pix", "a"): 2},
)


@pytest.mark.parametrize("name", BUDGETS)
@pytest.mark.parametrize("ablation", [False, True])
def test_everything_that_would_be_trained_is_a_model_that_can_be(tmp_path, name, ablation) -> None:
    budget = BUDGETS[name]
    place = Place(tmp_path, budget, "-1")
    jobs = jobs_of(parts_of(budget) if ablation else budget.tasks, [0])
    for job in jobs:
        options = TrainOptions.parse(training(job, place))
        assert (job.recipe.model, job.task.data) in budget.epochs
        with META.device:
            model = create_model(options.model, adam=Adam(), execution=META)
        model.check_crop_size(options.data.crop_size)
    assert len({job.name for job in jobs}) == len(
        {(job.recipe, job.seed, job.direction, job.task.data) for job in jobs}
    )


def test_each_part_of_an_ablation_changes_the_training(tmp_path) -> None:
    place = Place(tmp_path, BUDGETS["quick"], "-1")
    for task in parts_of(BUDGETS["quick"]):
        jobs = jobs_of([task], [0])
        flags = {
            (str(TrainOptions.parse(training(job, place))).replace(job.name, ""), job.recipe.length)
            for job in jobs
        }
        assert len(flags) == len(jobs)


def test_one_seed_of_all_comes_before_the_next_and_a_cyclegan_does_both_directions() -> None:
    task = Task("a", "a", 32, (PIX2PIX, CYCLEGAN), ("AtoB", "BtoA"))
    jobs = [(job.recipe.name, job.direction, job.seed) for job in jobs_of([task], [0, 1])]
    one = [("pix2pix", "AtoB"), ("pix2pix", "BtoA"), ("CycleGAN", "AtoB")]
    assert jobs == [(*each, seed) for seed in (0, 1) for each in one]


def write(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, 16, 3), level, np.uint8)).save(path)


@pytest.fixture
def results(tmp_path) -> tuple[Task, Place]:
    """Of two seeds of pix2pix each way and of CycleGAN: domain A is grey 100, B 200; each misses by its own amount."""
    task = Task("maps", "maps", 32, (PIX2PIX, CYCLEGAN), ("AtoB", "BtoA"))
    place = Place(tmp_path, TINY, "-1")
    for seed in (0, 1):
        for direction, source, target, miss in (("AtoB", 100, 200, 10), ("BtoA", 200, 100, 20)):
            folder = place.results(TrainingJob(task, PIX2PIX, direction, seed)) / "images"
            for name in "xy":
                write(folder / f"{name}_real_A.png", source)
                write(folder / f"{name}_real_B.png", target)
                write(folder / f"{name}_fake_B.png", target + miss + 10 * seed)
        folder = place.results(TrainingJob(task, CYCLEGAN, "AtoB", seed)) / "images"
        for name in "xy":
            for label, level in (
                ("real_A", 100),
                ("real_B", 200),
                ("fake_B", 240),
                ("fake_A", 150),
            ):
                write(folder / f"{name}_{label}.png", level)
    for name in "uv":
        pair = np.concatenate([np.full((16, 16, 3), v, np.uint8) for v in (90, 210)], axis=1)
        path = place.data(task) / "train" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pair).save(path)
    return task, place


def test_both_directions_are_tables_of_all_methods_with_seeds_pooled(results, tmp_path) -> None:
    tables = tables_of(results[0], [0, 1], results[1], ["l1"], CPU)
    found = {
        table.comparison.title: {row.name: round(row.value("l1") * 255) for row in table.rows}
        for table in tables
    }
    assert found == {
        "A to B": {
            "pix2pix": 15,
            "CycleGAN": 40,
            "input as output": 100,
            "mean training image": 10,
        },
        "B to A": {
            "pix2pix": 25,
            "CycleGAN": 50,
            "input as output": 100,
            "mean training image": 10,
        },
    }
    text = section("maps", "how", tables[:1])
    assert "| pix2pix | 0.0588 ± 0.0277 |" in text  # 15 and the deviation of 10 and 20, of 255
    assert "**A to B**, 2 images:" in text
    page = tmp_path / "page.md"
    append(page, text)
    append(page, text)
    assert page.read_text().count("### maps") == 2
    with pytest.raises(InputError, match="cannot write"):
        append(tmp_path / "missing" / "page.md", text)


def test_a_job_is_trained_and_tested_by_real_commands_once(tmp_path) -> None:
    place = Place(tmp_path, TINY, "-1")
    job = TrainingJob(Task("a", "a", 32, (PIX2PIX,)), PIX2PIX, "BtoA", 3)
    for phase in ("train", "test"):
        write_images(place.data(job.task) / phase, 2, 32, 64)
    run_one(job, place, 2)
    log = (tmp_path / "logs" / f"{job.name}.txt").read_text()
    assert re.findall(r"End of epoch \d / \d", log) == ["End of epoch 1 / 2", "End of epoch 2 / 2"]
    assert "seed 3" in log
    assert len(list((place.results(job) / "images").glob("*_fake_B.png"))) == 2
    run_one(job, place, 2)
    assert (tmp_path / "logs" / f"{job.name}.txt").read_text() == log


def test_a_checkout_trains_and_tests_beside_by_its_own_commands_from_the_same_seed(
    tmp_path,
) -> None:
    """The checkout is this code without its --seed: its commands are those of the original code."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("models", "data", "options", "util", "train.py", "test.py"):
        (checkout / name).symlink_to(Path(__file__).parents[2] / name)
    place, task = Place(tmp_path, TINY, "-1", checkout), Task("a", "a", 32, (PIX2PIX,))
    ours, theirs = beside_original(task, "--netG resnet_6blocks --norm instance").recipes[:2]
    for phase in ("train", "test"):
        write_images(place.data(task) / phase, 2, 32, 64)
    job = TrainingJob(task, theirs, "AtoB", 3)
    run_one(job, place, 2)
    log = (tmp_path / "logs" / f"{job.name}.txt").read_text()
    assert f"{checkout}/train.py" in log
    assert f"{checkout}/test.py" in log
    assert len(list((place.results(job) / "images").glob("*_fake_B.png"))) == 2
    assert ours.flags == theirs.flags
    run_one(job, place, 2)
    assert (tmp_path / "logs" / f"{job.name}.txt").read_text() == log


def test_flags_that_a_checkout_does_not_know_are_left_out_with_their_values(tmp_path) -> None:
    (tmp_path / "options").mkdir()
    (tmp_path / "options" / "base_options.py").write_text('add("--name"); add("--gpu_ids_old")')
    words = ["--name", "x", "--seed", "3", "--gpu_ids", "-1", "--lr", "0.1", "--display_id", "-1"]
    assert known_there(words, tmp_path) == ["--name", "x", "--lr", "0.1"]


def test_a_folder_that_is_no_checkout_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"--reference .*: there is no train.py"):
        quality_benchmark.main(["--reference", str(tmp_path), "--gpu_ids", "-1"])


def test_a_part_of_a_budget_is_that_part_of_its_epochs_and_says_so() -> None:
    part = BUDGETS["quick"].share(0.25)
    epochs = {model: n for (model, data), n in part.epochs.items() if data == "relief2topo"}
    assert epochs == {"pix2pix": 4, "cycle_gan": 2, "cut": 2}
    assert part.epochs["cycle_gan", "song2brush"] == 2  # never less
    assert part.about.endswith("0.25 of its epochs")


def test_a_training_that_fails_says_where_to_look(tmp_path) -> None:
    place = Place(tmp_path, TINY, "-1")
    job = TrainingJob(Task("a", "a", 32, (PIX2PIX,)), PIX2PIX, "AtoB", 0)
    with pytest.raises(InputError, match=r"train.py ended with status \d+: see .*seed0.txt"):
        run_one(job, place, 2)


def test_a_task_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="leaves nothing"):
        quality_benchmark.main(["--only", "nonsense", "--gpu_ids", "-1"])


def test_the_precision_that_is_asked_for_is_trained_in_and_named(tmp_path) -> None:
    budget = BUDGETS["quick"].in_precision("bf16")
    job = jobs_of(budget.tasks, [0])[0]
    options = TrainOptions.parse(training(job, Place(tmp_path, budget, "-1")))
    assert options.run.precision == "bf16"
    assert budget.about.endswith("bf16")
