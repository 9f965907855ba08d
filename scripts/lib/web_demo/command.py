"""scripts/make_web_demo.py after its flags: exports the generator, chooses samples and colours, writes the page."""

from __future__ import annotations

import argparse
import gzip
import re
from pathlib import Path

import torch
from PIL import Image

from models.inference.find_generator import SavedGenerator
from options.wording import count
from scripts.lib.exporting.facts import gather_facts
from scripts.lib.exporting.generator import Exportable, open_generator
from scripts.lib.exporting.pictures import TestPicture, find_pictures, trained_size
from scripts.lib.exporting.writing import CheckedFile, write_checked
from scripts.lib.generator_flags import chosen_generator
from scripts.lib.web_demo.palette import colour_name, palette
from scripts.lib.web_demo.runtime import runtime_files, sizes_to_load
from scripts.lib.web_demo.writing import Demo, write_demo
from util.errors import InputError
from util.files import make_folder, replacing
from util.images import to_uint8

PLAIN = ["#ffffff", "#000000", "#d62828", "#2a9d3a", "#2455c3", "#f4c20d"]
COLOURED = 24  # training images that the palette is taken from
HEAVY = 64e6  # bytes of a network that a phone may not want to fetch


def make_web_demo(options: argparse.Namespace) -> int:
    """Writes the page; returns the exit status."""
    saved = chosen_generator(options)
    exportable = open_generator(saved, options.norm_policy)
    check_channels(exportable)
    size = options.size or trained_size(saved.flags)
    exportable.check_size(size)
    inputs = choose_samples(options, saved, exportable.input_nc, size)
    colours = given_palette(options.palette)
    if not colours:
        colours = training_palette(options, saved, exportable.input_nc, size) if inputs else PLAIN
    licence = licence_text(options.licence)
    runtime = runtime_files(options.cache, options.webgpu)

    out = make_folder(options.out)
    precision = "half_weights" if options.half else "fp32"
    facts = gather_facts(exportable, saved, options.name, size, False, precision)
    written = write_checked(
        "onnx", exportable, facts, inputs or [noise_picture(exportable, size)], out
    )
    check_passed(written)
    network = compress(written.path)
    samples = {f"sample{number}.png": to_picture(one.image) for number, one in enumerate(inputs)}
    results = {
        name.replace("sample", "result"): exportable.translator(picture).convert("RGB")
        for name, picture in samples.items()
    }
    demo = Demo(
        title=options.title or options.name,
        about=options.about,
        input_label=options.input_label,
        output_label=options.output_label,
        size=size,
        input_nc=exportable.input_nc,
        output_nc=exportable.translator.output_nc,
        palette=[{"colour": colour, "name": colour_name(colour)} for colour in colours],
        samples=list(samples),
        results=list(results),
        network=network.name,
        bytes=network.stat().st_size,
        runtime=sizes_to_load(runtime),
        credits=options.credits,
    )
    write_demo(out, demo, runtime, samples | results, licence)
    print(f"{out}: a page for {size} x {size} pixels; the network has {demo.bytes / 1e6:.1f} MB")
    if demo.bytes > HEAVY:
        print(
            "note: that is much for a phone; a generator with a smaller --ngf loads and computes faster"
        )
    print(f"try it: python -m http.server --bind 127.0.0.1 --directory {out}")
    return 0


def check_channels(exportable: Exportable) -> None:
    channels = exportable.input_nc, exportable.translator.output_nc
    if not {*channels} <= {1, 3}:
        raise InputError(
            f"this network translates {count(channels[0], 'channel')} into {channels[1]}; a page has pictures of 1 or 3"
        )
    if not exportable.translator.eight_bits:
        raise InputError(
            "this network was trained on values of more than 8 bits, but a page draws pictures of 8 bits"
        )


def check_passed(written: CheckedFile) -> None:
    if not written.certificate["passed"]:
        raise InputError(
            f"{written.path} differs from the generator by {written.certificate['max']:.1f} grey levels, so no page is written"
        )


def compress(path: Path) -> Path:
    """Puts path.gz in place of a file."""
    packed = path.with_name(f"{path.name}.gz")
    with replacing(packed) as opened:
        opened.write(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return packed


def licence_text(file: Path | None) -> str:
    """Returns what --licence names. Raises: InputError when that cannot be read."""
    if file is None:
        return ""
    try:
        return "\n\n" + file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--licence {file} cannot be read: {error}") from None


def choose_samples(
    options: argparse.Namespace, saved: SavedGenerator, channels: int, size: int
) -> list[TestPicture]:
    """Inputs to start from, not all from the beginning of the split, where neighbours may be alike."""
    if not options.samples:
        return []
    found = find_pictures(
        saved, "--images", options.images, options.phase, channels, size, 5 * options.samples
    )
    return found[:: -(-len(found) // options.samples)]


def given_palette(words: str) -> list[str]:
    """Splits --palette. Raises: InputError when something in it is no colour."""
    colours = [word.strip().lower() for word in words.split(",") if word.strip()]
    for colour in colours:
        if not re.fullmatch("#[0-9a-f]{6}", colour):
            raise InputError(f"--palette: {colour!r} is no colour; write such as '#d62828'")
    return colours


def training_palette(
    options: argparse.Namespace, saved: SavedGenerator, channels: int, size: int
) -> list[str]:
    """Takes colours of training images or, where these are not there, of the samples' split."""
    try:
        found = find_pictures(saved, "--images", options.images, "train", channels, size, COLOURED)
    except InputError:
        found = find_pictures(saved, "--images", None, options.phase, channels, size, COLOURED)
    return palette([to_picture(one.image) for one in found])


def to_picture(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(to_uint8(image)[0]).convert("RGB")


def noise_picture(exportable: Exportable, size: int) -> TestPicture:
    """Makes an input to compare on where there are no samples."""
    return TestPicture("noise", torch.rand(1, exportable.input_nc, size, size) * 2 - 1)
