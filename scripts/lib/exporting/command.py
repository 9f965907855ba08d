"""scripts/export.py after its flags: finds the generator and its pictures, writes the file, describes it."""

from __future__ import annotations

import argparse
from pathlib import Path

from options.wording import count
from scripts.lib.exporting.bioimage import check_describable, write_description
from scripts.lib.exporting.card import write_card
from scripts.lib.exporting.facts import gather_facts
from scripts.lib.exporting.generator import open_generator
from scripts.lib.exporting.hub import require_hub, upload
from scripts.lib.exporting.pictures import find_pictures, trained_size
from scripts.lib.exporting.writing import CERTIFICATE, FORMATS, CheckedFile, write_checked
from scripts.lib.generator_flags import checkpoint, chosen_device, chosen_generator
from util.errors import InputError


def export(options: argparse.Namespace) -> int:
    """Exports, compares, describes; returns the exit status: 1 for a file that is not what the generator is."""
    precision = "half" if options.half else "int8" if options.int8 else "fp32"
    kind = "onnx" if options.format == "bioimageio" else options.format
    form = FORMATS[kind]
    if precision not in form.precisions:
        raise InputError(
            f"--{precision} is not for --format {options.format}: it has {', '.join(form.precisions)}"
        )
    if options.push_to_hub:
        require_hub(options.push_to_hub)
    place = checkpoint(options)
    name = options.name or options.weights.stem
    saved = chosen_generator(options)
    out = options.out or Path(
        "exports", f"{name}_{options.direction}" if options.direction else name
    )

    size = options.size or trained_size(saved.flags)
    exportable = open_generator(saved, options.norm_policy)
    exportable.check_size(size)
    channels, sample = exportable.input_nc, []
    if options.recalibrate or precision == "int8":
        pictures = find_pictures(
            saved, "--sample", options.sample, "train", channels, size, options.sample_size
        )
        sample = [picture.image for picture in pictures]
    if options.recalibrate:
        device = chosen_device(options)
        exportable = open_generator(saved, options.norm_policy, sample, device)
    pictures = find_pictures(
        saved, "--images", options.images, options.phase, channels, size, options.num_test
    )

    facts = gather_facts(exportable, saved, name, size, options.dynamic, precision)
    if options.format == "bioimageio":
        check_describable(facts)
    written = write_checked(kind, exportable, facts, pictures, out, sample)
    print_verdict(written)
    if not written.certificate["passed"]:
        return 1
    run = place if place.is_dir() else place.parent
    values = exportable.translator.outputs
    card = write_card(out, written, pictures, values, run, options.licence)
    print(f"described in {card}")
    if options.format == "bioimageio":
        print(f"for bioimage.io: {write_description(out, written, pictures, options.licence)}")
    if options.push_to_hub:
        print(f"uploaded to {upload(out, options.push_to_hub)}")
    return 0


def print_verdict(written: CheckedFile) -> None:
    """Says how far the file is from the generator."""
    proof = written.certificate
    print(f"{written.path}: {proof['bytes'] / 1e6:.1f} MB, sha256 {proof['sha256'][:16]}...")
    print(
        f"compared on {count(proof['inputs'], 'input')} in {proof['runtime']}: largest difference {proof['max']:.4f} grey levels, "
        f"mean {proof['mean']:.5f}; {proof['changed_8_bits']:.3%} of 8-bit values differ"
    )
    if not proof["within_limit"]:
        verdict = "this is unusual: look at the pictures" if proof["passed"] else "FAILED"
        print(
            f"{verdict}: more than {proof['limit']:g} grey levels ({written.path.name}{CERTIFICATE})"
        )
