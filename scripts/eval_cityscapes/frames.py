"""Pairs of results and true label maps, and reading both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from data.files.image_folder import list_images
from data.files.join_pairs import read_8_bits
from util.errors import InputError
from util.images.label_maps import Palette, train_ids, true_labels
from util.metrics.segmentation import IGNORED

LABEL_FILE = re.compile(r"(.+)_gt(?:Fine|Coarse)_label(Train)?Ids\.png")
WRITTEN = re.compile(r".*_((?:real|fake|rec)(?:_[AB])?)")  # names that test.py gives
NUMBERED = re.compile(r"(\d+)(?:_[AB])?")  # as datasets/prepare_cityscapes_dataset.py names images


@dataclass(frozen=True)
class Case:
    """A result and the truth it is held against. name: of the frame, for messages."""

    name: str
    truth: Path
    result: Path


def cityscapes_frames(root: Path, split: str) -> dict[str, Path]:
    """Lists label files of a split by frame (city_shot_frame), in the order in which they are numbered.

    Of a frame that has both, label ids are taken and train ids left.
    Raises: InputError when there are none.
    """
    folder = root / "gtFine" / split
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}: --cityscapes_dir should hold gtFine/<--split>/<city>/*_gtFine_labelIds.png"
        )
    frames: dict[str, Path] = {}
    for path in sorted(folder.glob("*/*Ids.png"), key=str):  # ..._labelIds before ..._labelTrainIds
        match = LABEL_FILE.fullmatch(path.name)
        if match:
            frames.setdefault(match[1], path)
    if not frames:
        raise InputError(f"{folder} holds no <city>/*_gtFine_labelIds.png or *_labelTrainIds.png")
    return frames


def images_by_name(folder: Path, label: str, flag: str) -> dict[str, Path]:
    """Images below a folder by name, as test.py writes them: NAME_<label>.png.

    Where no name ends in the label, every image counts, by its whole name. What test.py wrote is found in images/.
    Raises: InputError when there are none, or two of one name.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}: check {flag}")
    if (folder / "index.html").is_file() and (folder / "images").is_dir():
        folder = folder / "images"
    paths = [Path(path) for path in list_images(folder)]
    names = [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in paths]
    labelled = [(name, path) for name, path in names if name.endswith(f"_{label}")]
    others = sorted({match[1] for name, _ in names if (match := WRITTEN.fullmatch(name))})
    if others and not labelled:  # otherwise inputs or truths would pass for results
        raise InputError(
            f"{folder} holds no *_{label}.png, but {', '.join(others)}: check --result_label, --truth_label"
        )
    found: dict[str, Path] = {}
    for name, path in labelled or names:
        name = name.removesuffix(f"_{label}")
        if name in found:
            raise InputError(f"{flag}: {found[name]} and {path} have one name: remove one of them")
        found[name] = path
    return found


def match_frames(frames: Mapping[str, Path], results: Mapping[str, Path]) -> list[Case]:
    """Results of Cityscapes frames, found by the frame in their names, or else by its number.

    Frames without a result are left out. Raises: InputError for a number that no frame has, and for two results of one.
    """
    last = {name.rsplit("/", 1)[-1]: path for name, path in results.items()}
    by_frame: dict[str, Path] = {}
    for name, path in last.items():
        frame = "_".join(name.split("_")[:3])
        if frame in frames and by_frame.setdefault(frame, path) != path:
            raise InputError(f"{by_frame[frame]} and {path} are both of frame {frame}: keep one")
    cases = [Case(name, path, by_frame[name]) for name, path in frames.items() if name in by_frame]
    if cases:
        return cases
    numbers: dict[int, Path] = {}
    for name, path in last.items():
        match = NUMBERED.fullmatch(name)
        if match and numbers.setdefault(int(match[1]), path) != path:
            raise InputError(f"{numbers[int(match[1])]} and {path} have one number: keep one")
    if numbers and max(numbers) >= len(frames):
        raise InputError(
            f"{numbers[max(numbers)]} is number {max(numbers)}, but the split has {len(frames)} frames, "
            "numbered from 0: are these results of another --split?"
        )
    everyone = enumerate(frames.items())
    return [Case(name, path, numbers[i]) for i, (name, path) in everyone if i in numbers]


def match_names(truths: Mapping[str, Path], results: Mapping[str, Path]) -> list[Case]:
    """Results that have the name of a truth."""
    return [Case(name, path, results[name]) for name, path in truths.items() if name in results]


def check_complete(cases: list[Case], names: Iterable[str], missing_is_fine: bool) -> None:
    """Raises: InputError where truths have no result, at all or unless that is fine."""
    names = list(names)
    matched = {case.name for case in cases}
    missing = [name for name in names if name not in matched]
    if not cases:
        raise InputError(
            f"no result has the name of a true label map, such as {names[0]}: check --result_dir and --result_label"
        )
    if missing and not missing_is_fine:
        raise InputError(
            f"{len(missing)} of {len(names)} true label maps have no result, such as {missing[0]}: translate all "
            "images, or say --allow_missing"
        )


def read_truth(path: Path, palette: Palette) -> np.ndarray:
    """(H, W) uint8 train ids or classes, IGNORED where nothing counts.

    Files of Cityscapes hold ids; other grey images the classes themselves, 255 for none; colours go by the palette.
    Raises: InputError when it cannot be read, or holds other labels.
    """
    try:
        with Image.open(path) as picture:
            grey = picture.mode in ("1", "L", "I", "I;16")
            labels = np.asarray(picture) if grey else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as an image ({error})") from None
    match = LABEL_FILE.fullmatch(path.name)
    if labels is None:
        if match:
            raise InputError(f"{path} should hold label ids in grey, but is in colour")
        return true_labels(read_8_bits(path), palette)
    if match and not match[2]:
        return train_ids(labels)
    wrong = labels[(labels != IGNORED) & ((labels < 0) | (labels >= len(palette.names)))]
    if wrong.size:
        raise InputError(
            f"{path} holds label {wrong.flat[0]}: {len(palette.names)} classes are numbered from 0, and 255 is none "
            "(--palette names the classes)"
        )
    return labels.astype(np.uint8)
