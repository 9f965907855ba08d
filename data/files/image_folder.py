"""Listing images, in files and tars, always in the same order."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

from options.wording import did_you_mean
from util.errors import InputError
from util.images.names import (
    ARRAYS,
    EXTENSIONS,
    TAR_INDEX,
    UNREAD,
    is_compressed_tar,
    is_image,
    is_tar,
    is_zarr,
)
from util.images.tars import forget_tars, read_index, scan


class NoImages(InputError):
    """A folder is missing, or holds no image."""


def list_images(folder: Path, max_dataset_size: float = float("inf")) -> list[str]:
    """Paths of all images below a folder, sorted, at most max_dataset_size of them.

    A tar stands for the images in it: theirs are paths such as <folder>/000000.tar/photos/1.jpg.
    Hidden files and folders are passed over, and so are arrays where there are images; links to folders are followed, but not in circles.
    Raises: NoImages; InputError when a tar is damaged.
    """
    if not os.path.isdir(folder):  # False also for names that are too long
        raise NoImages(f"there is no folder {folder}{_what_there_is(folder)}")
    found: list[str] = []
    tars: list[str] = []
    compressed: list[str] = []
    others: Counter[str] = Counter()  # extensions of files that are no images
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(parent, name) for name in folders if is_zarr(name)]
        folders[:] = [name for name in folders if not is_zarr(name)]
        found += [os.path.join(parent, name) for name in files if is_image(name)]
        tars += [os.path.join(parent, name) for name in files if is_tar(name)]
        plain = (name for name in files if not name.startswith(".") and not is_image(name))
        others.update(os.path.splitext(name)[1].lower() for name in plain if not is_tar(name))
        compressed += [os.path.join(parent, name) for name in files if is_compressed_tar(name)]
    if compressed and not found:  # beside images it is what they were unpacked from
        raise InputError(
            f"{min(compressed)} is compressed, so that no image in it can be found without unpacking all: "
            "unpack it, then train from the files or make shards of them by scripts/make_shards.py"
        )
    found += _members(sorted(tars))
    images = [path for path in found if os.path.splitext(path)[1].lower() not in ARRAYS]
    if images and len(images) < len(found):
        logging.getLogger(__name__).warning(
            "%s: %d .npy or .npz files are ignored, because the folder also holds images",
            folder,
            len(found) - len(images),
        )
        found = images
    unread = Counter({suffix: count for suffix, count in others.items() if suffix in UNREAD})
    advice = "convert them to PNG, or to JPEG if they were photographs"
    if not found:
        held = f"; it holds {_in_words(others)}" if others else ""
        held += f": {advice}" if unread else ""
        raise NoImages(f"{folder} holds no images ({', '.join(sorted(EXTENSIONS))}){held}")
    if unread:
        logging.getLogger(__name__).warning(
            "%s: %s left out, because these formats are not read: %s, or move them away",
            folder,
            _in_words(unread),
            advice,
        )
    found.sort()
    return found if max_dataset_size == float("inf") else found[: int(max_dataset_size)]


def _in_words(suffixes: Counter[str], most: int = 5) -> str:
    """Extensions with their counts, the most frequent first: 3 .gif and 1 .txt files."""
    parts = [f"{count} {suffix or 'other'}" for suffix, count in suffixes.most_common(most)]
    if len(suffixes) > most:
        parts.append(
            f"{sum(suffixes.values()) - sum(n for _, n in suffixes.most_common(most))} more"
        )
    *first, last = parts
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"{listed} file{'s' if sum(suffixes.values()) > 1 else ''}"


def _members(tars: list[str]) -> list[str]:
    """Paths of the images in tars."""
    forget_tars()
    found: list[str] = []
    unfit = []
    for tar in tars:
        table = read_index(tar)
        if table is None and os.path.exists(tar + TAR_INDEX):
            unfit.append(tar + TAR_INDEX)
        for name in (table or scan(tar)).names:
            found.append(f"{tar}{os.sep}{name.replace('/', os.sep)}")
    if unfit:
        logging.getLogger(__name__).warning(
            "%s does not fit its tar or is older, as %d of %d index files: headers are read instead, which takes "
            "longer (python scripts/make_shards.py --index_only rewrites them)",
            unfit[0],
            len(unfit),
            len(tars),
        )
    return found


def _what_there_is(folder: Path) -> str:
    """The folders that stand where one is missing."""
    parent = folder.parent
    if not os.path.isdir(parent):
        beside = parent.parent.iterdir() if os.path.isdir(parent.parent) else ()
        meant = did_you_mean(parent.name, (entry.name for entry in beside if entry.is_dir()))
        return f", nor {parent}{meant}: check --dataroot"
    names = sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    held = f"holds {', '.join(names[:8])}" if names else "holds no folders"
    return f": {parent} {held}; check --dataroot, --phase and --dataset_mode (layouts: docs/datasets.md)"
