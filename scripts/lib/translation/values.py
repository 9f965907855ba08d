"""Reading inputs and writing results in the values that a generator was trained on, as test.py does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from data.transforms import to_network_range
from models import Translator
from options.ranges import AUTO
from scripts.lib.translation.files import save_picture
from util.errors import InputError
from util.images import to_uint8
from util.images.detect_values import made_from, settled
from util.images.domain import Domain
from util.images.values import Units, one_hot
from util.images.write import SUFFIXES, format_for, from_network, write_values

FORMATS = {".npy": "npy", ".tif": "tiff", ".tiff": "tiff", ".png": "png"}  # that can hold values
KEPT = {".npz": ".npy", ".exr": ".tif"}  # what is written for what is only read


@dataclass(frozen=True)
class Values:
    """What files of inputs, A, and results, B, hold."""

    A: Domain
    B: Domain

    @property
    def units(self) -> Units:
        """The same, for files that are read in parts."""
        return Units(self.A.bounds, self.B.bounds, self.A.labels, self.A.alpha)

    def read(self, path: str) -> torch.Tensor:
        """(C, H, W) in [-1, 1]. Raises: BadImage."""
        image = self.A.read(path)
        if self.A.labels:
            image = one_hot(image, self.A.labels)
        return to_network_range(image) if image.dtype == torch.uint8 else image

    def suffix(self, asked: str, source: str) -> str:
        """Of the result of a file; asked: a value of --format."""
        if asked == "same":
            suffix = Path(source).suffix
            return KEPT.get(suffix.lower(), suffix)
        if asked == "auto":
            kind = format_for("auto", self.A.like or source, self.B.bounds, self.B.channels)
            return SUFFIXES[kind or "png"]
        return SUFFIXES.get(asked, f".{asked}")

    def format(self, target: Path) -> str | None:
        """In which the target's values are written; None for a picture of 8 bits. Raises: InputError."""
        kind = FORMATS.get(target.suffix.lower())
        if kind is None or (kind == "tiff" and self._shown):
            return None
        return format_for(kind, "", self.B.bounds, self.B.channels)

    @property
    def _shown(self) -> bool:
        """Whether pictures of 8 bits hold all."""
        return format_for("auto", "", self.B.bounds, self.B.channels) is None

    def write(self, target: Path, image: torch.Tensor) -> None:
        """Writes (C, H, W) in [-1, 1], all its values where the target's kind can hold them."""
        if self.format(target) is None:
            save_picture(target, to_uint8(image))
        else:
            array = image.movedim(0, -1).float().cpu().numpy()
            write_values(target, from_network(array, self.B.bounds))


def values_of(t: Translator, paths: Sequence[str]) -> Values:
    """How these inputs are read, and what becomes of them: as the run says, or by the first file.

    Raises: InputError when that cannot be known.
    """
    units = t.units
    for name, channels, known in (
        ("takes", t.input_nc, units.input or units.labels),
        ("gives", t.output_nc, units.output),
    ):
        if channels not in (1, 3) and not known:
            flag = "range_A" if name == "takes" else "range_B"
            raise InputError(
                f"the network {name} {channels} channels, and no options.json tells what they hold: declare --{flag}, "
                "or use load_translator with arrays"
            )
    A = settled(
        "A",
        paths,
        t.input_nc,
        str(units.input or AUTO),
        labels=units.labels,
        alpha=units.alpha,
    )
    return Values(A, made_from(A, t.output_nc, str(units.output or AUTO)))
