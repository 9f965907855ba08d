"""Packs image folders into tars, which are read as if they were the folders:
python scripts/make_shards.py --dataroot ./mydata --out ./mydata_shards

Every sub-folder (train, trainA, testB ...) becomes one of the same name with tars 000000.tar, 000001.tar ... and their
index files; a folder that holds images itself becomes tars alone. Files are stored as they are. Nothing is changed in
--dataroot. Run it again with the same flags after an interruption: tars that are there already are kept.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.wording import count
from util.errors import InputError, run_command
from util.files import make_folder, sweep
from util.script_parser import script_parser

if TYPE_CHECKING:
    from data.files.pack_tars import Shard

MEGABYTE = 10**6


def main(argv: Sequence[str]) -> int:
    words = parser()
    options = words.parse_args(argv)
    if not options.size > 0 or (options.images is not None and options.images < 1):
        words.error("--size and --images must be above 0")
    if options.index_only:
        return index(options.dataroot)
    if options.out is None:
        words.error("--out is missing: the folder that the tars are written to")
    from data.files.pack_tars import pack, plan_shards

    out = options.out.resolve()
    check_place(options.dataroot.resolve(), out)
    limit = options.size * MEGABYTE if options.images is None else math.inf
    shards = list(plan_shards(options.dataroot, limit, options.images or math.inf))
    unfinished = make_folder(out.with_name(f".{out.name}.unfinished"))
    kept = already_there(unfinished, shards)
    if kept:
        print(f"going on in {unfinished}: {len(kept)} of {len(shards)} tars are there already")
    for shard in tqdm(shards, unit=" tars", leave=False, disable=None):
        if shard.tar not in kept:
            pack(shard, unfinished / shard.tar)
    put_in_place(unfinished, out)
    for folder, group in groupby(shards, key=lambda shard: shard.tar.parent):
        parts = list(group)
        images, size = sum(len(part.names) for part in parts), sum(sum(p.sizes) for p in parts)
        print(
            f"{out / folder}: {count(images, 'image')}, {size / MEGABYTE:.1f} MB, in {count(len(parts), 'tar')}"
        )
    print(f"use it as --dataroot {options.out}")
    return 0


def parser() -> argparse.ArgumentParser:
    words = script_parser(__doc__)
    words.add_argument(
        "--dataroot", type=Path, required=True, help="folder of images, as for training"
    )
    words.add_argument("--out", type=Path, help="folder to write, which must not be there yet")
    words.add_argument("--size", type=float, default=256.0, help="of a tar, about, in MB")
    words.add_argument(
        "--images",
        type=int,
        help="in a tar, instead of --size; cuts folders with the same names alike",
    )
    words.add_argument(
        "--index_only", action="store_true", help="writes index files for the tars below --dataroot"
    )
    return words


def check_place(root: Path, out: Path) -> None:
    """Raises: InputError where the tars would overwrite something, or become part of what is packed."""
    if out == root or root in out.parents:
        raise InputError(f"--out {out} lies in --dataroot {root}: give a folder elsewhere")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"--out {out} is there already: remove it, or give another folder")


def already_there(unfinished: Path, shards: Sequence[Shard]) -> set[Path]:
    """Tars that an interrupted run has left complete. Raises: InputError when they are of another division."""
    from util.images.names import TAR_INDEX, is_tar
    from util.images.tars import read_index, scan

    plan = {shard.tar: shard for shard in shards}
    kept = set()
    for parent, _, files in os.walk(unfinished):
        sweep(Path(parent))
        for tar in (Path(parent) / name for name in files if is_tar(name)):
            table = read_index(str(tar)) or scan(str(tar))
            shard = plan.get(tar.relative_to(unfinished))
            if shard is None or not shard.is_in(table):
                raise InputError(
                    f"{unfinished} was left by an interrupted run with other flags or files: remove it"
                )
            if os.path.exists(f"{tar}{TAR_INDEX}"):
                kept.add(shard.tar)
    return kept


def put_in_place(unfinished: Path, out: Path) -> None:
    try:
        if out.exists():  # empty
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        raise InputError(f"cannot rename {unfinished} to {out}: {error.strerror}") from None


def index(root: Path) -> int:
    """Writes index files for tars that were made elsewhere."""
    from util.images.names import is_tar
    from util.images.tars import scan, write_index

    tars = [str(tar) for tar in sorted(root.rglob("*")) if is_tar(tar.name) and tar.is_file()]
    if not tars:
        raise InputError(f"--dataroot {root} holds no tars")
    images = 0
    for tar in tqdm(tars, unit=" tars", leave=False, disable=None):
        table = scan(tar)
        write_index(tar, table)
        images += len(table.names)
    print(f"{root}: index files of {count(len(tars), 'tar')} with {count(images, 'image')}")
    return 0


if __name__ == "__main__":
    run_command(main)
