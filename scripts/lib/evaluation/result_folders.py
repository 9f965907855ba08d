"""Result folders of test.py: which images there are, and which belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from data.files.image_folder import list_images
from options.types import Range, parse_nodata, parse_range
from options.wording import count
from util.errors import InputError
from util.images import SIDES as IMAGE_SIDES
from util.images import to_uint8
from util.images.contents import measure_contents
from util.images.detect_values import kind_of
from util.images.read import BadImage, read_image, read_in_units, read_values, unreadable
from util.images.values import Values, ends
from util.images.write import SUFFIXES, described_values

# Value of --direction -> domains of the results that are looked at.
SIDES = {"AtoB": "B", "BtoA": "A", "both": "AB"}
LABELS = ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B", "fake", "real")
FEW = 10  # files whose types are looked at
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
    """Images of one run of test.py, by label and name; or a plain folder of results, as fake_B.

    plain: whether the files are a plain folder's, which hold the values themselves.
    values: meaning of the numbers in files of the sides "A" and "B"; {} where these are pictures of 8 bits.
    """

    name: str
    folder: Path
    files: dict[str, dict[str, Path]]
    values: Mapping[str, Values] = field(default_factory=dict)
    plain: bool = False

    def measured(self, label: str) -> Files:
        """Returns the files by which a label is measured: of more than 8 bits their values, otherwise pictures."""
        pictures = self.files.get(label, {})
        values = self.values.get(IMAGE_SIDES[label])
        if values is None or not values.deep:
            return pictures
        values = replace(values, bands=(), page="")  # results have those that were chosen
        if self.plain:
            return {name: ValueFile(path, values) for name, path in pictures.items()}
        found = {}
        for name, picture in pictures.items():
            place = (self.folder / "values" / name).parent / picture.name
            for suffix in SUFFIXES.values():
                if place.with_suffix(suffix).exists():
                    found[name] = ValueFile(place.with_suffix(suffix), values)
        return found if len(found) == len(pictures) else pictures

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


def plain_run(folder: Path, truths: Path, range_B: str, nodata: str) -> TestRun:
    """Takes a folder of any results as fake_B; where its files or the truths have more than 8 bits, with their values.

    Args:
        range_B: LOW,HIGH; auto takes all values of the truths.
        nodata: a value of --nodata.
    Raises: InputError when there are no images; ValueError for what is no range.
    """
    listed, paths = list_images(folder), list_images(truths)
    found = {
        Path(path).relative_to(folder).with_suffix("").as_posix(): Path(path) for path in listed
    }
    declared, missing = parse_range("range_B", range_B), parse_nodata(nodata)
    kinds = [kind.dtype for path in (*listed[:FEW], *paths[:FEW]) if (kind := kind_of(path))]
    if declared is None and missing is None and all(kind == np.uint8 for kind in kinds):
        return TestRun(folder.name, folder, {"fake_B": found}, plain=True)
    contents = measure_contents(paths, values=[Values("B", 0, nodata=missing)])
    if not contents:
        raise InputError(
            f"none of the {count(len(paths), 'image')} of --truth {truths} can be read"
        )
    (one,) = contents
    bounds = declared or Range(one.low, one.high if one.low < one.high else one.low + 1, False)
    source = "as declared" if declared else "as the truths have it; --range_B declares another"
    print(f"measured in the files' own numbers; range {bounds.low:g} to {bounds.high:g}, {source}")
    values = {"B": Values("B", one.channels, bounds, nodata=missing)}
    return TestRun(folder.name, folder, {"fake_B": found}, values, plain=True)


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
        f"{folder} has no folder images: give what test.py wrote, such as results/NAME/test_latest; any other folder of "
        f"results is measured by --fake {folder} --truth DIR"
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
        shown = to_uint8(image.nan_to_num(nan=-1))
        image = torch.from_numpy(np.atleast_3d(shown)).movedim(-1, 0)
    return image.expand(3, -1, -1) if len(image) == 1 else image[:3]


def read_numbers(file: ValueFile, bounds: Range) -> np.ndarray:
    """Reads float64 (H, W, C) in units of a range, NaN where pixels are missing.

    A file of another range is taken from its own to that, as a picture of one is compared with one of the other.
    Raises: InputError for what is no image, or has other values.
    """
    try:
        with unreadable(str(file.path)):
            array = read_in_units(str(file.path), file.values).astype(np.float64)
    except BadImage as bad:
        raise InputError(f"{bad}: run test.py again, or remove the file") from None
    own = file.values.bounds
    if own == bounds:
        return array
    (low, high), (first, last) = ends(own), ends(bounds)
    return np.asarray((array - low) / (high - low) * (last - first) + first)


def common_range(fakes: Files, reals: Files) -> Range | None:
    """Returns the range of the truths, in which all files can be measured in full; None where some are pictures of 8 bits."""
    files = [*fakes.values(), *reals.values()]
    values = [file.values for file in files if isinstance(file, ValueFile)]
    if not values or len(values) < len(files) or not values[-1].deep:
        return None
    return values[-1].bounds


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
