"""Plans of files and their translations, and writing pictures whole or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from data.files.image_folder import list_images
from util.errors import InputError
from util.files import replacing, sweep
from util.images import RUN_LENGTHS
from util.images.large_write import STREAMED
from util.images.metadata import Metadata, gamma_chunk
from util.images.names import (
    EXTENSIONS,
    JPEG,
    TIFF,
    VOLUMES,
    ZARR,
    is_zarr,
    suffix_of,
    without_suffix,
)

WRITTEN = EXTENSIONS - VOLUMES - {".npz"}
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
SAVING = {
    **{suffix: {"quality": 95, "subsampling": 0} for suffix in JPEG},
    ".png": {"compress_level": 1, "compress_type": RUN_LENGTHS},
    ".webp": {"lossless": True},
}


@dataclass(frozen=True)
class FileJob:
    """An image or video, and where its translation goes."""

    source: str
    target: Path


def is_video(path: str | Path) -> bool:
    return Path(path).suffix.lower() in VIDEOS


def list_inputs(source: Path) -> list[str]:
    """Returns the file, or every image below the folder. Raises: InputError when there is none."""
    if source.is_dir() and not is_zarr(source.name):
        return list_images(source)
    if not source.exists():
        raise InputError(f"there is no file or folder {source}")
    return [str(source)]


def plan_jobs(
    source: Path, paths: Sequence[str], target: Path, suffix: Callable[[str], str]
) -> list[FileJob]:
    """Plans the translations of the listed files, under the same names.

    suffix: of the result of a file.
    Raises: InputError when it is unclear, or would overwrite an input.
    """
    if source.is_dir() and not is_zarr(source.name):
        return _of_folder(source, paths, target, suffix)
    if target.is_dir():
        target = target / f"{without_suffix(source).name}{suffix(str(source))}"
    known = VIDEOS if is_video(source) else sorted(WRITTEN)
    if target.suffix.lower() not in known:
        raise InputError(
            f"{target} is not a folder and does not end in {', '.join(known)}: it should name the translation of {source}"
        )
    if target.exists() and target.samefile(source):
        raise InputError(f"{target} is the input itself: give another name")
    return [FileJob(str(source), target)]


def _of_folder(
    source: Path, paths: Sequence[str], target: Path, suffix: Callable[[str], str]
) -> list[FileJob]:
    if target.exists() and not target.is_dir():
        raise InputError(f"{source} is a folder, {target} a file: give a folder for the results")
    inside, outside = target.resolve(), source.resolve()
    if inside == outside or outside in inside.parents:
        raise InputError(
            f"{target} lies in {source}, whose images would be translated again and again: give a folder elsewhere"
        )
    places = [_place(path, source) for path in paths]
    stems = [without_suffix(place) for place in places]
    plain = [
        stem.with_name(f"{stem.name}{suffix(str(place))}")
        for stem, place in zip(stems, places, strict=True)
    ]
    often = Counter(plain)
    # Of a.jpg beside a.png neither may take the name a.png.
    names = [
        name
        if often[name] == 1
        else name.with_name(f"{stem.name}_{suffix_of(place.name)[1:]}{name.suffix}")
        for name, stem, place in zip(plain, stems, places, strict=True)
    ]
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(
                f"{count} images of {source} would be written to {target / name}: rename them"
            )
    return [FileJob(path, target / name) for path, name in zip(paths, names, strict=True)]


def _place(path: str, root: Path) -> PurePath:
    """Returns where an image lies below the root; a tar counts as a folder."""
    *folders, name = PurePath(os.path.relpath(path, root)).parts
    return PurePath(
        *(os.path.splitext(f)[0] if f.lower().endswith(".tar") else f for f in folders), name
    )


def unfinished_jobs(jobs: Sequence[FileJob], overwrite: bool) -> list[FileJob]:
    """Returns the jobs that are left to do; what killed processes left of theirs is removed."""
    for folder in {job.target.parent for job in jobs}:
        sweep(folder)
    return [job for job in jobs if overwrite or not job.target.exists()]


def can_stream(job: FileJob) -> bool:
    """Tells whether it can be read and written in parts, by far the larger images."""
    inside, outside = Path(job.source).suffix.lower(), job.target.suffix.lower()
    return inside in (*TIFF, ZARR) and outside in STREAMED and os.path.exists(job.source)


def save_picture(path: Path, array: np.ndarray, metadata: Metadata | None = None) -> None:
    """Writes uint8 (H, W, 3) or (H, W) in the format that the name says, in place of an older file at once."""
    suffix = path.suffix.lower()
    how = dict(SAVING.get(suffix, {}))
    channels = np.atleast_3d(array).shape[-1]
    if metadata and (profile := metadata.profile(channels)):
        how["icc_profile"] = profile
    if metadata and metadata.gamma and suffix == ".png":
        how["pnginfo"] = gamma_chunk(metadata.gamma)
    with replacing(path) as file:
        kind = Image.registered_extensions()[suffix]
        Image.fromarray(array).save(file, format=kind, **how)
