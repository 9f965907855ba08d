"""Result folders of test.py: which images there are, and which belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from data.files.image_folder import list_images
from util.errors import InputError
from util.images import to_uint8
from util.images.read import BadImage, read_image, read_values
from util.images.values import Values
from util.images.write import described_values

# Value of --direction -> domains of the results that are looked at.
SIDES = {"AtoB": "B", "BtoA": "A", "both": "AB"}
LABELS = ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B", "fake", "real")
RESULT = re.compile(rf"(.+)_({'|'.join(LABELS)})\.png")


@dataclass(frozen=True)
class ValueFile:
    """A file of a side's own values, which is seen as test.py shows them."""

    path: Path
    values: Values

    def __str__(self) -> str:
        return str(self.path)


File = Path | ValueFile  # a path alone is a picture of 8 bits
Files = Mapping[str, File]  # by the name of the input, with its sub-folders


@dataclass(frozen=True)
class Comparison:
    """Two labels, of which one is measured against the other.

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
class TestRun:
    """Images of one run of test.py, by label and name.

    values: meaning of the numbers in files of the sides "A" and "B"; {} where these are pictures of 8 bits.
    """

    name: str
    folder: Path
    files: dict[str, dict[str, Path]]
    values: Mapping[str, Values] = field(default_factory=dict)

    def file(self, path: Path, side: str) -> File:
        """Returns a file of the user's own data, in the values of a side. Raises: InputError when these are not known."""
        if side in self.values:
            return ValueFile(path, self.values[side])
        if (self.folder / "values").is_dir():
            raise InputError(
                f"{self.folder} holds values of more than 8 bits, but not their range, which says how {path} is to be "
                "read: test the run again"
            )
        return path


def read_run(folder: Path) -> TestRun:
    """Returns the images of results/NAME/test_latest, or of results/NAME when it holds one such folder.

    Those of --model test, `real` and `fake`, count as real_A and fake_B.
    Raises: InputError when there are none.
    """
    images = _images_folder(folder)
    found: dict[str, dict[str, Path]] = {}
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
    try:
        return TestRun(phase.parent.name, phase, found, described_values(phase))
    except ValueError as error:
        raise InputError(str(error)) from None


def _images_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}: run test.py first, or correct the path")
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


def truth_folder(folder: Path, wanted: Files, run: TestRun, side: str) -> Files:
    """Images of a folder of the user's own, by the names of results, in the run's values of a side.

    Raises: InputError when none has the name of a result.
    """
    listed = [Path(path) for path in list_images(folder)]
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in listed}
    if wanted and not found.keys() & wanted.keys():
        raise InputError(
            f"no image in --truth {folder} has the name of a result: found {next(iter(found))}, "
            f"the results are called {next(iter(wanted))} and so on"
        )
    return {name: run.file(path, side) for name, path in found.items()}


def read(file: File) -> torch.Tensor:
    """Reads uint8 (3, H, W). Raises: InputError for what is no image."""
    try:
        if isinstance(file, Path):
            return read_image(str(file), 3)
        image = read_values(str(file.path), file.values)
    except BadImage as bad:
        raise InputError(f"{bad}: run test.py again, or remove the file") from None
    if image.dtype != torch.uint8:
        image = torch.from_numpy(np.atleast_3d(to_uint8(image))).movedim(-1, 0)
    return image.expand(3, -1, -1) if len(image) == 1 else image[:3]


def name_distinctly(runs: list[TestRun]) -> list[TestRun]:
    """Gives runs names that differ: those that share one get their phase, what differs in their paths, or
    else a number."""
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.name}/{run.folder.name}" for run in runs]
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        own = _differing([runs[place].folder.parts for place in places])
        for number, (place, parts) in enumerate(zip(places, own, strict=True), 1):
            mark = parts if parts and own.count(parts) == 1 else str(number)
            names[place] = f"{name} ({mark})"
    return [replace(run, name=name) for name, run in zip(names, runs, strict=True)]


def _differing(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Returns what is left of paths without the folders that all of them begin and end with."""
    start = end = 0
    least = min(map(len, paths))
    while start < least and len({path[start] for path in paths}) == 1:
        start += 1
    while end < least - start and len({path[-1 - end] for path in paths}) == 1:
        end += 1
    return ["/".join(path[start : len(path) - end]) for path in paths]
