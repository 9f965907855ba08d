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
from util.images.large_write import write_large
from util.images.metadata import read_metadata
from util.images.names import VOLUMES, ZARR, suffix_of
from util.images.nodata import fill_missing, mark_missing
from util.images.read import read_values
from util.images.values import Values, one_hot
from util.images.write import SUFFIXES, format_for, write_values

FORMATS = {
    ".npy": "npy",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".exr": "exr",
}  # of values
# What is written for what is only read.
KEPT = {".npz": ".npy", **dict.fromkeys((*VOLUMES, ZARR), ".tif")}


class ReadImage(NamedTuple):
    """An image (C, H, W) in [-1, 1]. valid: (1, H, W), the pixels that hold data; None for all."""

    image: torch.Tensor
    valid: torch.Tensor | None = None


class FileValues(NamedTuple):
    """Meaning of the numbers in files of inputs, A, and of results, B; pyramid: how TIFF is written."""

    A: Values
    B: Values
    pyramid: bool = False

    def read(self, path: str) -> ReadImage:
        """Reads an image, without the pixels that hold no data. Raises: BadImage."""
        image = read_values(path, self.A)
        if self.A.nodata is not None and not self.A.labels:
            return ReadImage(*fill_missing(image))
        if self.A.labels:
            image = one_hot(image, self.A.labels)
        return ReadImage(to_network_range(image) if image.dtype == torch.uint8 else image)

    def suffix(self, asked: str, source: str) -> str:
        """Returns the suffix of the result of a file; asked: a value of --format."""
        if asked == "same":
            suffix = Path(source).suffix
            return KEPT.get(suffix_of(source), suffix)
        if asked == "auto" and self.pyramid:
            return SUFFIXES["tiff"]
        if asked == "auto":
            return SUFFIXES[format_for("auto", self.A.like or source, self.B) or "png"]
        return SUFFIXES.get(asked, f".{asked}")

    def format(self, target: Path) -> str | None:
        """Returns the format in which a target's values are written; None for a picture of 8 bits. Raises: InputError."""
        kind = FORMATS.get(target.suffix.lower())
        if self.pyramid and kind != "tiff":
            raise InputError(f"--pyramid writes TIFF, not {target.name}: use --format tiff")
        if self.B.labels and kind in (None, "exr"):
            raise InputError(
                f"{target.suffix} files do not hold class numbers: use png, tiff or npy"
            )
        if kind is None or (kind == "tiff" and self.B.plain):
            return None
        return format_for(kind, "", self.B)

    def write(
        self, source: str, target: Path, image: torch.Tensor, valid: torch.Tensor | None = None
    ) -> None:
        """Writes (C, H, W) in [-1, 1], all its values where the target's kind can hold them, and what the source says.

        valid: (1, H, W), the pixels of the source that hold data; None for all.
        """
        if valid is not None:
            image = mark_missing(image, valid.to(image.device))
        found = read_metadata(source, self.A.page)
        if found:
            found = found.at_size((image.shape[-2], image.shape[-1])).of_result(self.B)
        kind = self.format(target)
        is_tiff = FORMATS.get(target.suffix.lower()) == "tiff"
        if kind is None and not (is_tiff and (found or self.pyramid)):
            save_picture(target, to_uint8(image.nan_to_num(nan=-1)), found)
            return
        values = self.B.from_network(image[None])
        if self.pyramid:
            height, width, channels = values.shape
            part = values[..., 0] if channels == 1 else values
            whole = [(slice(0, height), slice(0, width), part)]
            write_large(target, (height, width), whole, found, pyramid=True, classes=self.B.labels)
        else:
            write_values(target, values, found, classes=self.B.labels)


def file_values(t: Translator, paths: Sequence[str], pyramid: bool = False) -> FileValues:
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
        bands=t.inputs.bands,
        nodata=t.inputs.nodata,
    )
    own = t.outputs.declared if t.outputs.bounds != t.inputs.bounds else None
    return FileValues(A, A.output(t.output_nc, own, t.outputs.labels), pyramid)
