"""The README of an export: what the generator is, what it makes, how to run it, and what was measured."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from options.types import sides
from options.wording import count
from scripts.lib.exporting.formats import Format
from scripts.lib.exporting.pictures import TestPicture
from scripts.lib.exporting.scores import scores_of_training, scores_on
from scripts.lib.exporting.writing import CERTIFICATE, FORMATS, CheckedFile
from util.files import write_text
from util.images import to_uint8
from util.images.values import NO_CLASS, Values

SAMPLES = "samples.png"
SHOWN, GAP = 4, 4  # pictures; pixels between them
OPEN = """\
import numpy as np
from PIL import Image
image = Image.open("input.png").convert("{mode}")
{fit}
x = np.atleast_3d(np.asarray(image, np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]  # (1, {channels}, H, W) in [-1, 1]"""
OPEN_CLASSES = """\
import numpy as np
from PIL import Image
image = Image.open("input.png")  # a class number in each pixel
{fit}
x = np.where(np.arange({channels})[:, None, None] == np.asarray(image), 1, -1).astype(np.float32)[None]  # (1, {channels}, H, W)"""
OPEN_VALUES = """\
import numpy as np
from PIL import Image
{array}
planes = []
for image in map(Image.fromarray, np.atleast_3d(array).transpose(2, 0, 1).astype(np.float32)):
    {fit}
    planes.append(np.asarray(image))
x = 2 * (np.stack(planes)[None] - {low}) / {span} - 1  # (1, {channels}, H, W)
x = x.clip(-1, 1).astype(np.float32)"""
MARK_MISSING = """
array = np.atleast_3d(array).astype(np.float32)
array[{missing}.any(2)] = np.nan  # pixels without data"""
FILL_MISSING = """
valid = ~np.isnan(x).any(1, keepdims=True)
x = np.where(valid, x, x.mean((2, 3), keepdims=True, where=valid))  # the mean of the other pixels"""
SAVE = """
levels = ((y[0].transpose(1, 2, 0) + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
Image.fromarray(levels.squeeze()).save("output.png")"""
SAVE_CLASSES = """
classes = np.where(y[0].max(0) > -1, y[0].argmax(0), {no_class}).astype(np.uint8)
Image.fromarray(classes).save("output.png")"""
SAVE_VALUES = """
values = {low} + (y[0].transpose(1, 2, 0).astype(np.float64).clip(-1, 1) + 1) * {span} / 2{mark}
values = values{rounded}.astype(np.{dtype}).squeeze()
{save}"""


def write_card(
    folder: Path,
    written: CheckedFile,
    pictures: Sequence[TestPicture],
    values: Values,
    run: Path,
    licence: str,
) -> Path:
    """Writes README.md and samples.png; all files in the folder that have passed are listed.

    Args:
        values: meaning of the outputs' numbers in files.
        run: folder of the checkpoints, for what was measured in training.
    """
    facts = written.certificate["facts"]
    write_samples(folder / SAMPLES, pictures, written.outputs)
    parts = [
        front_matter(licence),
        f"# {plain_text(facts['name'])}{': ' + facts['direction'] if facts['direction'] else ''}",
        about(facts),
        f"![Inputs, what the generator makes of them{', truths' if pictures[0].truth is not None else ''}]({SAMPLES})",
        "## How to run it",
        f"```python\n{usage_lines(written, FORMATS[written.certificate['format']])}\n```",
        sizes(facts),
        "## Files, and how far they are from the generator",
        files_table(folder, facts["weights_sha256"]),
        "## What was measured",
        scores_on(pictures, written.outputs, values) or "No truths of the test images are known.",
        scores_of_training(run),
        "## Data and training",
        f"Trained on {code_span(facts['training'].get('dataroot', 'unknown data'))}.",
        options_table(facts["training"]),
        f"## Licence\n\n{plain_text(licence)}",
    ]
    path = folder / "README.md"
    write_text(path, "\n\n".join(part for part in parts if part) + "\n")
    return path


def front_matter(licence: str) -> str:
    """Writes what the Hugging Face hub reads: its names of licences are lower case, as mit or bsd-2-clause."""
    lines = ["tags:", "- image-to-image", "pipeline_tag: image-to-image"]
    if licence != "not stated":
        known = re.fullmatch(r"[a-z][a-z0-9.-]+", licence)
        lines += [f"license: {licence if known else 'other'}"]
        lines += [] if known else [f"license_name: {json.dumps(licence)}"]
    return "\n".join(["---", *lines, "---"])


def about(facts: dict[str, Any]) -> str:
    kind, training = facts["architecture"], facts["training"]
    network = f"A generator {kind['netG']} of width {kind['ngf']}" if kind else "A generator"
    trained = f", trained as {code_span(training['model'])}" if "model" in training else ""
    dropout = {
        True: "; trained with dropout, which is off here",
        False: "; trained without dropout",
        None: "; off here, if there was any in training",
    }[facts["trained_with_dropout"]]
    statistics = (
        f", statistics {facts['norm_statistics']}" if facts["norm_policy"] != "none" else ""
    )
    return (
        f"{network}{trained}: {facts['input']['channels']} channels in, {facts['output']['channels']} out.\n\n"
        f"- Norm: {kind.get('norm', 'unknown')}{statistics}.\n"
        f"- Dropout: off{dropout}.\n"
        f"- Weights: {code_span(facts['weights'])}, sha256 `{facts['weights_sha256']}`."
    )


def sizes(facts: dict[str, Any]) -> str:
    if facts["dynamic"]:
        least, multiple = facts["smallest_size"], facts["size_multiple"]
        return (
            f"Any number of images goes through at once; their sides are multiples of {multiple}, {least} or more. For other "
            "sizes continue the image to the right and below by mirroring, and cut the result."
        )
    return f"One image of {facts['size']} x {facts['size']} goes through at a time."


def usage_lines(written: CheckedFile, form: Format) -> str:
    """Lines of Python that read a file as training did, run the generator, and write its result."""
    facts = written.certificate["facts"]
    run = form.usage.format(file=written.path.name)
    return f"{reading_lines(facts)}\n{run}{saving_lines(facts)}"


def reading_lines(facts: dict[str, Any]) -> str:
    """Lines that make x of a file, in the values and by the preprocessing of training."""
    given, channels = facts["input"], facts["input"]["channels"]
    if "labels" in given:
        return OPEN_CLASSES.format(fit=fitting_lines(facts, "NEAREST"), channels=channels)
    bands, nodata = given.get("bands"), given.get("nodata")
    if "values" not in given and channels in (1, 3) and not bands:
        mode = "L" if channels == 1 else "RGB"
        return OPEN.format(mode=mode, fit=fitting_lines(facts, "BICUBIC"), channels=channels)
    low, span = low_and_span(given, "np.reshape({}, (-1, 1, 1))")
    array = 'array = np.asarray(Image.open("input.png"))  # or .tif'
    if channels > 1 or bands:
        apart = "array.shape[0] < array.shape[2]" if bands else f"array.shape[0] == {channels}"
        array = (
            f'import tifffile\narray = tifffile.imread("input.tif")\nif {apart}:  # (channels, H, W)\n'
            "    array = array.transpose(1, 2, 0)"
        )
    if bands:
        array += f"\narray = array[:, :, {[band - 1 for band in bands]}]"
    if nodata:
        array += MARK_MISSING.format(
            missing="np.isnan(array)" if nodata == "nan" else f"(array == np.float32({nodata}))"
        )
    fit = fitting_lines(facts, "BICUBIC").replace("\n", "\n    ")
    lines = OPEN_VALUES.format(array=array, fit=fit, low=low, span=span, channels=channels)
    return lines + FILL_MISSING if nodata else lines


def fitting_lines(facts: dict[str, Any], filter: str) -> str:
    """Lines that make an image size x size as training did: resized where it resized, otherwise cut out."""
    size, training = facts["size"], facts["training"]
    mode = training.get("preprocess", "resize_and_crop")
    height, width = sides(training.get("crop_size", size))
    lines = []
    if mode == "resize_and_crop":
        new = round(width * size / min(height, width)), round(height * size / min(height, width))
        lines.append(f"image = image.resize({new}, Image.Resampling.{filter})")
    elif mode.startswith("scale_width"):
        load = max(size, sides(training["load_size"])[1])
        lines += [
            f"scale = max({load} / image.width, {size} / image.height)",
            "new = round(image.width * scale), round(image.height * scale)",
            f"image = image.resize(new, Image.Resampling.{filter})",
        ]
    if mode != "resize_and_crop" or height != width:
        lines += [
            f"left, top = (image.width - {size}) // 2, (image.height - {size}) // 2",
            f"image = image.crop((left, top, left + {size}, top + {size}))  # its middle",
        ]
    return "\n".join(lines)


def saving_lines(facts: dict[str, Any]) -> str:
    """Lines that write y to a file, in the values of training."""
    made, channels = facts["output"], facts["output"]["channels"]
    if "labels" in made:
        return SAVE_CLASSES.format(no_class=NO_CLASS)
    if "values" not in made and channels in (1, 3):
        return SAVE
    low, span = low_and_span(made, "np.array({})")
    dtype = made.get("dtype_of_values", "uint8")
    png = channels == 1 and dtype in ("uint8", "uint16")
    save = 'Image.fromarray(values).save("output.png")'
    if not png:
        save = 'import tifffile\nplanes = "contig" if values.ndim == 3 else None\ntifffile.imwrite("output.tif", values, photometric="minisblack", planarconfig=planes)'
    rounded = "" if dtype.startswith("float") else ".round()"
    nodata = facts.get("input", {}).get("nodata")
    mark = f"\nvalues[~valid[0, 0]] = float('{nodata}')" if nodata else ""
    return SAVE_VALUES.format(
        low=low, span=span, mark=mark, rounded=rounded, dtype=dtype, save=save
    )


def low_and_span(side: dict[str, Any], array: str) -> tuple[str, str]:
    """Words Python for the value of -1 and for the distance to that of 1; array: for those of several channels."""
    ends = np.asarray(side.get("values", [0, 255]), np.float64)
    low, span = ends[..., 0], ends[..., 1] - ends[..., 0]
    if not low.ndim:
        return f"{low:g}", f"{span:g}"
    return array.format(low.tolist()), array.format(span.tolist())


def plain_text(value: object) -> str:
    """Returns text that Markdown shows as it stands, on one line."""
    text = " ".join(html.escape(str(value), quote=False).split())
    return re.sub(r"[\\`*\[\]{}|#~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)


def code_span(value: object) -> str:
    """Returns text between backticks, which it cannot leave."""
    return f"`{' '.join(str(value).replace('`', ' ').split())}`"


def files_table(folder: Path, weights: str) -> str:
    """Lists the files in the folder that have passed and are of these weights."""
    lines = [
        "Each was run on test images and compared with the generator; differences are in grey levels of 255.\n",
        "| file | MB | largest difference | mean | 8-bit values that differ | run in |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(folder.glob(f"*{CERTIFICATE}")):
        proof = json.loads(path.read_text(encoding="utf-8"))
        if not proof["passed"] or proof["facts"]["weights_sha256"] != weights:
            continue
        note = "" if proof["within_limit"] else f" (more than the usual {proof['limit']:g})"
        lines.append(
            f"| [{proof['file']}]({path.name}) | {proof['bytes'] / 1e6:.1f} | {proof['max']:.3g}{note} | "
            f"{proof['mean']:.2g} | {proof['changed_8_bits']:.3%} | {proof['runtime']}, {count(proof['inputs'], 'input')} |"
        )
    return "\n".join(lines)


def options_table(training: dict[str, Any]) -> str:
    rows = [f"| {name} | {plain_text(value)} |" for name, value in training.items() if value != ""]
    return "\n".join(["| option | value |", "|---|---|", *rows]) if rows else ""


def write_samples(
    path: Path, pictures: Sequence[TestPicture], outputs: Sequence[torch.Tensor]
) -> None:
    """Writes a row for each of some pictures, spread over all: input, output and, where known, truth."""
    chosen = range(0, len(pictures), -(-len(pictures) // SHOWN))
    rows = []
    for i in chosen:
        images = [pictures[i].image, outputs[i], pictures[i].truth]
        tiles = [_tile(image) for image in images if image is not None]
        rows.append(
            np.concatenate(
                [np.pad(tile, ((0, 0), (0, GAP), (0, 0)), constant_values=255) for tile in tiles], 1
            )
        )
    sheet = np.concatenate(
        [np.pad(row, ((0, GAP), (0, 0), (0, 0)), constant_values=255) for row in rows]
    )
    Image.fromarray(sheet[:-GAP, :-GAP]).save(path)


def _tile(image: torch.Tensor) -> np.ndarray:
    """(H, W, 3) of the first image, whatever its channels."""
    pixels = np.atleast_3d(to_uint8(image)[0])
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
