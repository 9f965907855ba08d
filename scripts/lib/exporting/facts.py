"""Description that a file carries: which generator, trained how, and what goes in and comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from models.inference.find_generator import SavedGenerator
from options.base_options import LogOptions, RunOptions
from options.flags import flags_of
from options.train_options import SaveOptions
from scripts.lib.exporting.generator import Exportable
from util.images.values import Values, ends

IMAGES = {"layout": "NCHW", "dtype": "float32", "range": [-1.0, 1.0]}
OF_A_MACHINE = {"num_threads", "cache", "bad_images", "continue_train", "isTrain"}


def training_options(saved: SavedGenerator) -> dict[str, Any]:
    """Returns the flags that decided what was learnt; of paths only the last part, since the rest describes a machine."""
    groups = (RunOptions, LogOptions, SaveOptions)
    left_out = {name for group in groups for name in flags_of(group)} | OF_A_MACHINE
    flags = {
        name: value
        for name, value in sorted(saved.flags.items())
        if name == "seed" or name not in left_out
    }
    return {
        name: "inf" if value == float("inf") else Path(value).name if _is_path(value) else value
        for name, value in flags.items()
    }


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def values_of_input(values: Values) -> dict[str, Any]:
    """Returns the meaning of -1 and 1 in the files that the generator was trained on."""
    if values.labels:
        return {
            "labels": values.labels,
            "from_labels": "1 in the channel of a pixel's class, -1 elsewhere",
        }
    chosen = {"bands": list(values.bands)} if values.bands else {}
    if not values.deep:
        return {**chosen, "from_8_bits": "x / 127.5 - 1"}
    missing = {} if values.nodata is None else {"nodata": str(values.nodata)}
    return {
        **chosen,
        **missing,
        "values": range_of(values),
        "from_values": "2 * (x - low) / (high - low) - 1",
    }


def values_of_output(values: Values) -> dict[str, Any]:
    """Returns what becomes of -1 and 1 in files of results."""
    if values.labels:
        return {"labels": values.labels, "to_labels": "the number of the largest channel"}
    if not values.deep:
        return {"to_8_bits": "round((y + 1) * 127.5)"}
    return {
        "values": range_of(values),
        "to_values": "low + (y + 1) * (high - low) / 2",
        "dtype_of_values": values.dtype.name,
    }


def range_of(values: Values) -> list[Any]:
    """Returns [low, high], or a list of these for the channels, where each has a range of its own."""
    low, high = ends(values.bounds)
    return np.stack([low, high], axis=-1).tolist() if values.bounds.channels else [low, high]


def gather_facts(
    exportable: Exportable,
    saved: SavedGenerator,
    name: str,
    size: int,
    dynamic: bool,
    precision: str,
) -> dict[str, Any]:
    """Returns JSON-like facts for the file's metadata and its certificate."""
    translator = exportable.translator
    return {
        "name": name,
        "direction": saved.direction,
        "input": {
            "name": "input",
            "channels": translator.input_nc,
            **IMAGES,
            **values_of_input(translator.inputs),
        },
        "output": {
            "name": "output",
            "channels": translator.output_nc,
            **IMAGES,
            **values_of_output(translator.outputs),
        },
        "dynamic": dynamic,
        "size": size,
        "size_multiple": exportable.multiple,
        "smallest_size": exportable.smallest,
        "precision": precision,
        **exportable.facts,
        "training": training_options(saved),
    }
