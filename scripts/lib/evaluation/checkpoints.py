"""Checkpoints as something to evaluate: each is tested by test.py first."""

from __future__ import annotations

import contextlib
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import test
from options.saved import OPTIONS_FILE, read_options
from scripts.lib.evaluation.result_folders import TestRun, read_run
from util.checkpoints.names import list_networks, network_path, parse_network_path
from util.errors import InputError

GENERATORS = ("G", "G_A")


@dataclass(frozen=True)
class Checkpoint:
    """Networks of a run that were saved under one label: latest, best_l1, 100 ...; averaged: the weights of --ema."""

    folder: Path
    label: str
    averaged: bool


def checkpoints_at(path: Path) -> list[Checkpoint]:
    """Lists, of a run's folder, latest and what was best, raw and averaged; of one generator's file, that one; otherwise none."""
    file = parse_network_path(path)
    if file and file.network in GENERATORS:
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        return [Checkpoint(path.parent, file.label, file.averaged)]
    if not path.is_dir():
        return []
    found = [file for file in list_networks(path) if file.network in GENERATORS]
    labels = {(file.label, file.averaged) for file in found}
    chosen = [pair for pair in labels if pair[0] == "latest" or pair[0].startswith("best_")]
    if found and not chosen:
        raise InputError(
            f"{path} has no latest_net_G.pth: name a file in it, such as {found[0].path.name}"
        )
    return [Checkpoint(path, *pair) for pair in sorted(chosen, key=lambda p: (p[0] != "latest", p))]


def saved_flags(checkpoint: Checkpoint) -> dict[str, object]:
    """Returns the flags that it was trained with. Raises: InputError when they cannot be read."""
    file = checkpoint.folder / OPTIONS_FILE
    try:
        flags = read_options(file)
        return {"model": flags["model"], "dataroot": flags["dataroot"], **flags}
    except (ValueError, KeyError):
        raise InputError(
            f"{file} does not tell how these checkpoints were trained: test them by test.py, and give its results"
        ) from None


def latest_of(place: Path) -> Path:
    """Returns the file of latest for a folder of checkpoints, and any other place as it is."""
    files = (network_path(place, "latest", name) for name in GENERATORS)
    return next((file for file in files if file.exists()), place)


class Tester:
    """Runs as they are asked for: results of test.py, or checkpoints, which it tests first.

    Attributes:
        tested: the checkpoints so far.

    Args:
        results: folder where their results go.
        dataroot: "" for the data set that each was trained on.
        flags: further ones of test.py.
    """

    def __init__(self, results: Path, dataroot: str, flags: str, gpu_ids: str) -> None:
        self.results, self.dataroot, self.gpu_ids = results, dataroot, gpu_ids
        self.flags = shlex.split(flags)
        self.tested: list[Checkpoint] = []

    def runs_at(self, place: Path) -> list[TestRun]:
        """Raises: InputError when there is nothing, or test.py fails."""
        checkpoints = checkpoints_at(place)
        return [read_run(self._test(one)) for one in checkpoints] or [read_run(place)]

    def _test(self, checkpoint: Checkpoint) -> Path:
        """Runs test.py; returns the folder of results."""
        trained = saved_flags(checkpoint)
        # A folder for each, so that what is there belongs to it: names may be the same in several folders.
        results = self.results / f"{len(self.tested)}"
        self.tested.append(checkpoint)
        number = checkpoint.label.removeprefix("iter_")
        label = ["--load_iter" if number != checkpoint.label else "--epoch", number]
        folder = checkpoint.folder
        line = ["--dataroot", self.dataroot or str(trained["dataroot"]), "--name", folder.name]
        line += ["--checkpoints_dir", str(folder.parent), "--model", str(trained["model"]), *label]
        line += ["--results_dir", str(results), "--gpu_ids", self.gpu_ids]
        line += ["--use_ema" if checkpoint.averaged else "--no_use_ema"]
        line += self.flags
        print(f"$ python test.py {shlex.join(line)}", flush=True)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                test.main(line)
        except SystemExit:  # the parser has said why
            raise InputError(
                f"test.py does not take these flags: {shlex.join(self.flags)}"
            ) from None
        (page,) = (results / folder.name).glob("*/index.html")
        return page.parent


def training_images(checkpoints: Sequence[Checkpoint]) -> tuple[Path, str] | None:
    """Returns the folder of their training images, and the half that domain B is in there; None where they differ or are unknown."""
    found = set()
    for checkpoint in checkpoints:
        flags = saved_flags(checkpoint)
        aligned = flags.get("dataset_mode") == "aligned"
        backwards = flags.get("direction") == "BtoA"
        root = Path(str(flags["dataroot"]))
        if backwards and not aligned:
            return None  # trainB is then what results call domain A
        found.add((root / "train" if aligned else root, "left" if backwards else "right"))
    return found.pop() if len(found) == 1 and next(iter(found))[0].is_dir() else None
