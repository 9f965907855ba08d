"""What a file says of itself: which generator, trained how, and what goes in and comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.saved_generators import SavedGenerator
from options.base_options import LogOptions, RunOptions
from options.flags import flags_of
from scripts.exporting.generator import Exportable

IMAGES = {"layout": "NCHW", "dtype": "float32", "range": [-1.0, 1.0]}
OF_A_MACHINE = {"num_threads", "cache", "bad_images", "continue_train", "isTrain"}


def direction_of(saved: SavedGenerator) -> str:
    """AtoB or BtoA; "" where nothing tells."""
    trained = saved.flags.get("direction", "AtoB" if saved.name in ("G_A", "G_B") else "")
    other = {"AtoB": "BtoA", "BtoA": "AtoB"}
    return other.get(trained, "") if saved.name == "G_B" else trained


def training_options(saved: SavedGenerator) -> dict[str, Any]:
    """The flags that decided what was learnt; of paths the last part, since they tell of a machine."""
    left_out = (flags_of(RunOptions).keys() | flags_of(LogOptions).keys() | OF_A_MACHINE) - {"seed"}
    flags = {name: value for name, value in sorted(saved.flags.items()) if name not in left_out}
    return {
        name: "inf" if value == float("inf") else Path(value).name if _is_path(value) else value
        for name, value in flags.items()
    }


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def facts_of(
    exportable: Exportable,
    saved: SavedGenerator,
    name: str,
    size: int,
    dynamic: bool,
    precision: str,
) -> dict[str, Any]:
    """JSON-like, for the file's metadata and its certificate."""
    translator = exportable.translator
    return {
        "name": name,
        "direction": direction_of(saved),
        "input": {
            "name": "input",
            "channels": translator.input_nc,
            **IMAGES,
            "from_8_bits": "x / 127.5 - 1",
        },
        "output": {
            "name": "output",
            "channels": translator.output_nc,
            **IMAGES,
            "to_8_bits": "round((y + 1) * 127.5)",
        },
        "dynamic": dynamic,
        "size": size,
        "size_multiple": exportable.multiple,
        "smallest_size": exportable.smallest,
        "precision": precision,
        **exportable.facts,
        "training": training_options(saved),
    }
