"""The flags of the data sets that ship, without the data sets: `--help` and mistakes need no PyTorch.

A data set of the user's keeps its flags in its own file; see data/template_dataset.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from options.base_options import DataOptions
from options.registry import find_class


@dataclass(frozen=True)
class ColorizationDataOptions(DataOptions):
    """One channel in, two out."""

    flag_defaults: ClassVar[dict[str, Any]] = {"input_nc": 1, "output_nc": 2}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction != "AtoB":
            raise ValueError(
                "--dataset_mode colorization goes from grey to colour: --direction AtoB"
            )


# Of files that hold pairs side by side; auto: jpg where both halves are JPEG files.
PAIR_FORMATS = ("auto", "png", "jpg")
# Name -> its flags; None: they stand in the data set's own file, as a data set of the user's has them.
DATASETS: dict[str, type[DataOptions] | None] = {
    "aligned": DataOptions,
    "unaligned": DataOptions,
    "single": DataOptions,
    "colorization": ColorizationDataOptions,
    "template": None,
}


def dataset_options(name: str) -> type[DataOptions]:
    """Finds the options group of the data set of that name. Raises: ValueError for an unknown name."""
    return DATASETS.get(name) or find_class("data", "dataset", name, DATASETS).Options
