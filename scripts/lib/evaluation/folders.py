"""Result folders of test.py: which images there are, and which belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from data.files.image_folder import list_images
from util.errors import InputError
from util.images.read import BadImage, read_image

LABELS = ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B", "fake", "real")
RESULT = re.compile(rf"(.+)_({'|'.join(LABELS)})\.png")

Files = dict[str, Path]  # by the name of the input, with its sub-folders


@dataclass(frozen=True)
class Comparison:
    """Which label is measured against which.

    into: the domain of the translation that it tells about.
    source: the label of what that was made from; "" for reconstructions.
    """

    title: str
    into: str
    fake: str
    real: str
    source: str = ""


COMPARISONS = (
    Comparison("A to B", "B", "fake_B", "real_B", "real_A"),
    Comparison("B to A", "A", "fake_A", "real_A", "real_B"),
    Comparison("A to B to A (cycle reconstruction)", "B", "rec_A", "real_A"),
    Comparison("B to A to B (cycle reconstruction)", "A", "rec_B", "real_B"),
)


@dataclass(frozen=True)
class Run:
    """Images of one run of test.py, by label and name."""

    name: str
    folder: Path
    files: dict[str, Files]


def read_run(folder: Path) -> Run:
    """The images of results/NAME/test_latest, or of results/NAME when it holds one such folder.

    Those of --model test, `real` and `fake`, count as real_A and fake_B.
    Raises: InputError when there are none.
    """
    images = _images_folder(folder)
    found: dict[str, Files] = {}
    for path in sorted(images.rglob("*.png")):
        if match := RESULT.fullmatch(path.name):
            label = {"real": "real_A", "fake": "fake_B"}.get(match[2], match[2])
            name = (path.parent.relative_to(images) / match[1]).as_posix()
            found.setdefault(label, {})[name] = path
    if not found.keys() & {"fake_B", "fake_A"}:
        raise InputError(
            f"{images} holds no results of test.py (NAME_fake_B.png and the like): give a folder such as "
            "results/NAME/test_latest"
        )
    phase = images.parent.resolve()
    return Run(phase.parent.name, phase, found)


def _images_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}: run test.py first, or mend the path")
    if folder.name == "images":
        return folder
    if (folder / "images").is_dir():
        return folder / "images"
    inner = sorted(path for path in folder.glob("*/images") if path.is_dir())
    if len(inner) == 1:
        return inner[0]
    if inner:
        names = ", ".join(path.parent.name for path in inner)
        raise InputError(f"{folder} holds several results ({names}): name one of them")
    raise InputError(
        f"{folder} has no folder images: give what test.py wrote, such as results/NAME/test_latest"
    )


def truth_folder(folder: Path, wanted: Files) -> Files:
    """Images of a folder of the user's own, by the names of results.

    Raises: InputError when none has the name of a result.
    """
    listed = [Path(path) for path in list_images(folder)]
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in listed}
    if wanted and not found.keys() & wanted.keys():
        raise InputError(
            f"no image in --truth {folder} has the name of a result: found {next(iter(found))}, "
            f"the results are called {next(iter(wanted))} and so on"
        )
    return found


def read(path: Path) -> torch.Tensor:
    """uint8 (3, H, W). Raises: InputError for what is no image."""
    try:
        return read_image(str(path), 3)
    except BadImage as bad:
        raise InputError(f"{bad}: make the results anew, or remove it") from None


def distinct(runs: list[Run]) -> list[Run]:
    """The same with names that differ: those of runs that share one get their phase, then a number."""
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.name}/{run.folder.name}" for run in runs]
    counts = {name: names.count(name) for name in names}
    numbered = []
    for place, name in enumerate(names):
        number = names[: place + 1].count(name)
        numbered.append(f"{name} ({number})" if counts[name] > 1 else name)
    return [Run(name, run.folder, run.files) for name, run in zip(numbered, runs, strict=True)]
