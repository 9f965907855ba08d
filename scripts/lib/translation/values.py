"""Reading inputs and writing results in the values that a generator was trained on, as test.py does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from data.transforms import to_network_range
from models import Translator
from scripts.lib.translation.files import save_picture
from util.errors import InputError
from util.images import to_uint8
from util.images.detect_values import detect_values
from util.images.read import read_values
from util.images.values import Values, one_hot
from util.images.write import SUFFIXES, format_for, write_values

FORMATS = {".npy": "npy", ".tif": "tiff", ".tiff": "tiff", ".png": "png"}  # that can hold values
KEPT = {".npz": ".npy", ".exr": ".tif"}  # what is written for what is only read


class FileValues(NamedTuple):
    """Meaning of the numbers in files of inputs, A, and of results, B."""

    A: Values
    B: Values

    def read(self, path: str) -> torch.Tensor:
        """(C, H, W) in [-1, 1]. Raises: BadImage."""
        image = read_values(path, self.A)
        if self.A.labels:
            image = one_hot(image, self.A.labels)
        return to_network_range(image) if image.dtype == torch.uint8 else image

    def suffix(self, asked: str, source: str) -> str:
        """Returns the suffix of the result of a file; asked: a value of --format."""
        if asked == "same":
            suffix = Path(source).suffix
            return KEPT.get(suffix.lower(), suffix)
        if asked == "auto":
            return SUFFIXES[format_for("auto", self.A.like or source, self.B) or "png"]
        return SUFFIXES.get(asked, f".{asked}")

    def format(self, target: Path) -> str | None:
        """Returns the format in which a target's values are written; None for a picture of 8 bits. Raises: InputError."""
        kind = FORMATS.get(target.suffix.lower())
        if kind is None or (kind == "tiff" and self.B.plain):
            return None
        return format_for(kind, "", self.B)

    def write(self, target: Path, image: torch.Tensor) -> None:
        """Writes (C, H, W) in [-1, 1], all its values where the target's kind can hold them."""
        if self.format(target) is None:
            save_picture(target, to_uint8(image))
        else:
            write_values(target, self.B.from_network(image[None]))


def file_values(t: Translator, paths: Sequence[str]) -> FileValues:
    """Finds how these inputs are read, and what becomes of them: as the run says, or by the first file.

    Raises: InputError when that cannot be known.
    """
    if t.flags.get("model") == "colorization":
        raise InputError(
            "this is a colorization run: its network makes the colours a and b of Lab for a lightness, and translate.py "
            "does not put them together to pictures. Use test.py --model colorization"
        )
    place = "its options.json does not say" if t.flags else "no options.json says"
    for verb, values in (("takes", t.inputs), ("gives", t.outputs)):
        if not (values.channels in (1, 3) or values.declared or values.labels):
            raise InputError(
                f"the network {verb} {values.channels} channels, and {place} what they hold: declare "
                f"--range_{values.side}, or use load_translator with arrays"
            )
    A = detect_values(
        "A",
        paths,
        t.input_nc,
        t.inputs.flag,
        labels=t.inputs.labels,
        alpha=t.inputs.alpha,
        page=t.inputs.page,
    )
    own = t.outputs.declared if t.outputs.bounds != t.inputs.bounds else None
    return FileValues(A, A.output(t.output_nc, own))
