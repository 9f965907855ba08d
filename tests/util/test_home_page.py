"""The page of all runs: which runs it lists, and what it says of each."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import run

from util.logs.home_page.folders import write_home
from util.logs.home_page.summary import POINTS, Summary, thinned
from util.logs.logger import At

FLAGS = ["--print_freq", "1", "--val_freq", "1", "--n_epochs", "2"]


def called(path: Path, function: str) -> Any:
    match = re.fullmatch(rf"home\.{function}\((.*)\);\n", path.read_text(encoding="utf-8"))
    assert match
    return json.loads(match[1])


def listed(checkpoints: Path) -> dict[str, dict[str, Any]]:
    return {entry["folder"]: entry for entry in called(checkpoints / "runs.js", "runs")}


def summary(folder: Path) -> dict[str, Any]:
    return called(folder / "web/data/summary.js", "run")


def test_a_training_puts_itself_on_the_page_of_all_runs(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", *FLAGS)
    assert (tmp_path / "index.html").exists()
    assert listed(tmp_path)["n"].items() >= {"summary": True, "page": True}.items()
    found = summary(folder)
    assert (found["epoch"], found["share"], found["ending"]) == (2, 1.0, "done")
    assert found["best"].keys() == {"val_l1", "val_psnr"}
    assert found["spark"]["name"] == "val_l1"
    assert found["options"]["n_epochs"] == 2
    examples = found["examples"]
    assert (examples["first"], examples["epoch"]) == (1, 2)
    assert examples["names"] == ["000", "001"]


def test_the_best_scores_of_each_way_and_of_averaged_weights_are_known() -> None:
    start = {"name": "n", "last_epoch": 2, "options": {}, "changed": [], "epoch_images": 9}
    found = Summary(start, 0.0)
    found.scores(At(1, 9, 9, 1.0), {"val_l1_B": 0.2, "val_rec_psnr_A_ema": 20.0})
    found.scores(At(2, 9, 18, 2.0), {"val_l1_B": 0.3, "val_rec_psnr_A_ema": 21.0})
    best = found.content(0.0, "done", "")["best"]
    assert best == {"val_l1_B": [0.2, 1, True], "val_rec_psnr_A_ema": [21.0, 2, False]}


def test_a_summary_made_from_the_record_is_the_one_that_the_training_kept(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", *FLAGS)
    kept = summary(folder)
    (folder / "web/data/summary.js").unlink()
    write_home(tmp_path)
    made = summary(folder)
    for each in (kept, made):
        for moment in ("time", "started", "every"):
            del each[moment]
        for pictures in ("images", "examples"):
            del each[pictures]["version"]
    assert made == kept


def test_a_continued_run_keeps_its_best_scores_and_curve(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", *FLAGS[:4], "--n_epochs", "1")
    before = summary(folder)
    run(paired, tmp_path, "n", *FLAGS[:4], "--n_epochs", "3", "--continue_train")
    after = summary(folder)
    assert after["spark"]["values"][:1] == before["spark"]["values"]
    assert len(after["spark"]["values"]) == 3
    assert after["examples"]["first"] == 1


def test_runs_of_older_versions_are_listed_and_nothing_else_is(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "new", *FLAGS)
    shutil.copytree(folder, tmp_path / "group/nested")
    (tmp_path / "original").mkdir()
    (tmp_path / "original/loss_log.txt").write_text("an old log")
    (tmp_path / "no_run").mkdir()
    write_home(tmp_path)
    found = listed(tmp_path)
    assert found.keys() == {"new", "group/nested", "original"}
    assert not found["original"]["summary"]


def test_without_a_training_page_there_is_no_page_of_all_runs(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--no_html")
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("count", [0, 1, POINTS, POINTS + 1, 1000])
def test_a_sparkline_has_few_points_with_the_same_mean(count) -> None:
    values = [float(value) for value in range(count)]
    thin = thinned(values)
    assert len(thin) <= POINTS
    assert thin == sorted(thin)
    if count <= POINTS:
        assert thin == values
