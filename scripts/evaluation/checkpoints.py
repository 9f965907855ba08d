"""Checkpoints as something to evaluate: each is tested by test.py first."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from options.parsing import read_options
from util.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = re.compile(r"(.+)_net_(G|G_A)(_ema)?\.pth")


@dataclass(frozen=True)
class Checkpoint:
    """What was saved of a run under one label: latest, best_l1, 100 ...; averaged: the weights of --ema."""

    folder: Path
    label: str
    averaged: bool


@dataclass(frozen=True)
class Testing:
    """How checkpoints are tested.

    dataroot: "" for the one that each was trained on. flags: further ones of test.py. results: where results go.
    """

    results: Path
    dataroot: str = ""
    flags: str = ""
    gpu_ids: str = "0"


def checkpoints_at(path: Path) -> list[Checkpoint]:
    """Of a run's folder, latest and what was best, raw and averaged; of one generator's file, that one; else none."""
    if match := GENERATOR.fullmatch(path.name):
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        return [Checkpoint(path.parent, match[1], bool(match[3]))]
    if not path.is_dir():
        return []
    found = [match for file in path.iterdir() if (match := GENERATOR.fullmatch(file.name))]
    labels = {(match[1], bool(match[3])) for match in found}
    chosen = [pair for pair in labels if pair[0] == "latest" or pair[0].startswith("best_")]
    if found and not chosen:
        raise InputError(
            f"{path} has no latest_net_G.pth: name a file in it, such as {found[0].string}"
        )
    return [Checkpoint(path, *pair) for pair in sorted(chosen, key=lambda p: (p[0] != "latest", p))]


def saved_flags(checkpoint: Checkpoint) -> dict[str, object]:
    """The flags that it was trained with. Raises: InputError when they cannot be read."""
    file = checkpoint.folder / "options.json"
    try:
        flags = read_options(file)
        return {"model": flags["model"], "dataroot": flags["dataroot"], **flags}
    except (ValueError, KeyError):
        raise InputError(
            f"{file} does not tell how these checkpoints were trained: test them by test.py, and give its results"
        ) from None


def tested(checkpoint: Checkpoint, testing: Testing) -> Path:
    """Runs test.py; returns the folder of results. Raises: InputError when it fails."""
    flags = saved_flags(checkpoint)
    dataroot = testing.dataroot or str(flags["dataroot"])
    where = ["--dataroot", dataroot, "--checkpoints_dir", str(checkpoint.folder.parent)]
    number = checkpoint.label.removeprefix("iter_")
    label = ["--load_iter" if number != checkpoint.label else "--epoch", number]
    # A folder of each call's own, so that what is there belongs to it.
    results = testing.results / f"{checkpoint.label}{'_ema' if checkpoint.averaged else ''}"
    line = [*where, "--name", checkpoint.folder.name, "--model", str(flags["model"]), *label]
    line += ["--results_dir", str(results), "--gpu_ids", testing.gpu_ids]
    line += ["--use_ema"] if checkpoint.averaged else []
    line += shlex.split(testing.flags)
    print(f"$ python test.py {shlex.join(line)}", flush=True)
    process = subprocess.run(
        [sys.executable, str(ROOT / "test.py"), *line],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        errors="replace",
    )
    if process.returncode:
        tail = "\n".join(process.stdout.splitlines()[-8:])
        raise InputError(f"test.py ended with status {process.returncode}:\n{tail}")
    (page,) = (results / checkpoint.folder.name).glob("*/index.html")
    return page.parent


def training_images(checkpoints: Sequence[Checkpoint]) -> tuple[Path, str] | None:
    """Folder of their training images, and the half that domain B is in there; None where they differ or are unknown."""
    found = set()
    for checkpoint in checkpoints:
        flags = saved_flags(checkpoint)
        aligned, backwards = (
            flags.get("dataset_mode") == "aligned",
            flags.get("direction") == "BtoA",
        )
        root = Path(str(flags["dataroot"]))
        if backwards and not aligned:
            return None  # trainB is then what results call domain A
        found.add((root / "train" if aligned else root, "left" if backwards else "right"))
    return found.pop() if len(found) == 1 and next(iter(found))[0].is_dir() else None
