"""Listing image files, always in the same order."""

from __future__ import annotations

import os
from pathlib import Path

from util.errors import InputError

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp"))


def list_images(folder: Path, max_dataset_size: float = float("inf")) -> list[str]:
    """Paths of all images below a folder, sorted, at most max_dataset_size of them.

    Hidden files and folders are passed over; links to folders are followed, but not in circles.
    Raises: InputError when the folder is missing or holds no image.
    """
    if not os.path.isdir(folder):  # False also for names that are too long
        raise InputError(f"there is no folder {folder}{_what_there_is(folder)}")
    found: list[str] = []
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(parent, name) for name in files if is_image(name)]
    if not found:
        raise InputError(f"{folder} holds no images ({', '.join(sorted(EXTENSIONS))})")
    found.sort()
    return found if max_dataset_size == float("inf") else found[: int(max_dataset_size)]


def is_image(name: str) -> bool:
    """Whether a file name has an image's extension, in any case."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def _what_there_is(folder: Path) -> str:
    """The folders that stand where one is missing."""
    parent = folder.parent
    if not os.path.isdir(parent):
        return f", nor {parent}: check --dataroot"
    names = sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    held = f"holds {', '.join(names[:8])}" if names else "holds no folders"
    return f": {parent} {held}; check --dataroot, --phase and --dataset_mode (layouts: docs/datasets.md)"
