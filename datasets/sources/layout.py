"""The folder that train.py and test.py read: both layouts side by side, whole or not there at all.

Aligned:   train/ val/ test/                           A on the left, B on the right
Unaligned: trainA/ trainB/ valA/ valB/ testA/ testB/   one picture each

A train item is in trainA or in trainB, never in both. val and test keep both sides under one name.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL
from PIL import Image
from tqdm import tqdm

from sources.items import Pictures, share_out
from util.errors import InputError
from util.files import replace_folder

SPLITS = {"train": 0.75, "val": 0.10, "test": 0.15}
FOLDERS = ("train", "val", "test", "trainA", "trainB", "valA", "valB", "testA", "testB")
MANIFEST = "manifest.json"


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` that takes its place at the end, or vanishes on an error."""
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_set(folder: Path, pictures: Pictures, parameters: dict[str, Any]) -> dict[str, Any]:
    """Write every picture, LICENSE.txt and the manifest into an empty folder; return the manifest.

    Args:
        parameters: what the pictures depend on; "name" also seeds the splits.
    """
    salt = parameters["name"]
    scored = [item.group for item in pictures.items if not item.train_only]
    splits = share_out(scored, SPLITS, salt)
    in_train = [group for group in scored if splits[group] == "train"]
    sides = share_out(in_train, {"A": 0.5, "B": 0.5}, f"{salt}|side")
    kept = [
        item for item in pictures.items if not item.train_only or splits.get(item.group) == "train"
    ]

    for name in FOLDERS:
        (folder / name).mkdir()
    pixels = hashlib.sha256()
    for item in tqdm(kept, "writing", unit="pair", leave=False, disable=None):
        A, B = pictures.draw(item)
        split = splits[item.group]
        side = sides[item.group] if split == "train" else "AB"
        AB = Image.new("RGB", (A.width + B.width, A.height))
        AB.paste(A, (0, 0))
        AB.paste(B, (A.width, 0))
        AB.save(folder / split / f"{item.name}.png")
        for letter, picture in (("A", A), ("B", B)):
            if letter in side:
                picture.save(folder / f"{split}{letter}" / f"{item.name}.png")
        pixels.update(f"{split}{side}/{item.name} {AB.size}".encode() + AB.tobytes())

    (folder / "LICENSE.txt").write_text(pictures.licence, encoding="utf-8")
    manifest = parameters | {
        "counts": count_pictures(folder),
        "pixels_sha256": pixels.hexdigest(),
        "pillow": PIL.__version__,
    }
    if empty := [name for name, count in manifest["counts"].items() if count == 0]:
        raise InputError(
            f"{len(kept)} pictures are too few: nothing is left for {', '.join(empty)}. "
            "Choose a smaller --size."
        )
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def count_pictures(folder: Path) -> dict[str, int]:
    found = Counter(path.parent.name for path in folder.glob("*/*.png"))
    return {name: found[name] for name in FOLDERS}


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """None if there is none, or it is no manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "pixels_sha256" in manifest else None
