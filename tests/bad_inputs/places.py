"""Something else lies where a run or its results should be written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs.commands import pairs, train_run, translate, weights
from bad_inputs.folders import trained
from bad_inputs.kind import BadInput

Run = Callable[[], Any]


def in_the_way(place: str, kind: str) -> Callable[[Path], Run]:
    """A training that finds a file where a folder should be, or the other way round."""

    def make(folder: Path) -> Run:
        pairs(folder)
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if kind == "folder" else path.write_text("mine")
        return lambda: train_run(folder)

    return make


def in_the_way_of_a_test(place: str, kind: str) -> Callable[[Path], Run]:
    def make(folder: Path) -> Run:
        weights(folder)
        shutil.copytree(pairs(folder) / "train", folder / "images")
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if kind == "folder" else path.write_text("mine")
        return lambda: translate(folder, root=folder / "images")

    return make


MESSAGES: dict[str, tuple[Callable[[Path], Run], str]] = {
    "checkpoints is a file": (in_the_way("checkpoints", "file"), "cannot make the folder"),
    "the run's folder is a file": (in_the_way("checkpoints/run", "file"), "cannot make the folder"),
    "train_opt.txt is a folder": (in_the_way("checkpoints/run/train_opt.txt", "folder"), "cannot write"),
    "results is a file": (in_the_way_of_a_test("results", "file"), "cannot make the folder"),
    "images of results is a file": (in_the_way_of_a_test("results/run/test_latest/images", "file"), "cannot write to"),
    "a result is a folder": (in_the_way_of_a_test("results/run/test_latest/images/000_fake.png", "folder"), "cannot write to"),
    "the page is a folder": (in_the_way_of_a_test("results/run/test_latest/index.html", "folder"), "cannot write"),
}  # fmt: skip

WORKS: dict[str, tuple[Callable[[Path], Run], Callable[[Path], None]]] = {
    "loss_log.txt is a folder": (in_the_way("checkpoints/run/loss_log.txt", "folder"), trained),
    "web is a file": (in_the_way("checkpoints/run/web", "file"), trained),
    "web/images is a file": (in_the_way("checkpoints/run/web/images", "file"), trained),
    "test_opt.txt is a folder": (in_the_way_of_a_test("checkpoints/run/test_opt.txt", "folder"), lambda folder: None),
}  # fmt: skip

KINDS = [
    *(BadInput("place", name, make, says) for name, (make, says) in MESSAGES.items()),
    *(BadInput("place", name, make, check=check) for name, (make, check) in WORKS.items()),
]
