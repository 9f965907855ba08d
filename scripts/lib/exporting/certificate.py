"""Distances between the outputs of an exported file and of the generator, in grey levels."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import torch

from scripts.lib.exporting.formats import ExportJob, Runtime
from scripts.lib.exporting.pictures import TestPicture
from util.errors import InputError

LEVELS = 127.5  # grey levels of 255 for a difference of 1 between images in [-1, 1]
# Of the largest difference, in grey levels.
LIMITS = {"fp32": 1.0, "half_weights": 1.0, "half": 4.0, "int8": 16.0}


def choose_inputs(
    job: ExportJob, pictures: Sequence[TestPicture]
) -> list[tuple[str, torch.Tensor]]:
    """Returns inputs to compare on: the pictures and, where sizes are free, several at once and another size."""
    inputs = [(picture.name, picture.image) for picture in pictures]
    if job.dynamic:
        several = torch.cat([picture.image for picture in pictures[:2]] * 2)[:2]
        inputs.append(("two images at once", several))
        wider = torch.cat([pictures[0].image, pictures[-1].image], dim=3)
        inputs.append(("two images side by side", wider))
    return inputs


@dataclass(frozen=True)
class OutputComparison:
    """Outputs for every input, and their differences.

    Attributes:
        rows: largest and mean difference of each, in grey levels, as computed and as 8-bit pictures.
        outputs: of the file.
    """

    inputs: list[tuple[str, torch.Tensor]]
    rows: list[dict[str, Any]]
    outputs: list[torch.Tensor]


def compare_outputs(
    reference: Callable[[torch.Tensor], torch.Tensor],
    runtime: Runtime,
    inputs: list[tuple[str, torch.Tensor]],
) -> OutputComparison:
    """Runs both on all inputs. Raises: InputError when the file gives images of another shape, or none."""
    rows, outputs = [], []
    for name, images in inputs:
        ours, theirs = reference(images).numpy(), runtime.run(images.numpy())
        if theirs.shape != ours.shape:
            raise InputError(f"{runtime.name} gives {theirs.shape} for {name}, not {ours.shape}")
        # What is no number is as far off as can be, and no JSON either.
        difference = np.nan_to_num(np.abs(ours - theirs) * LEVELS, nan=255.0, posinf=255.0)
        rounded = np.abs(_pixels(ours) - _pixels(theirs))
        rows.append(
            {
                "input": name,
                "shape": list(images.shape),
                "max": float(difference.max()),
                "mean": float(difference.mean()),
                "max_8_bits": int(rounded.max()),
                "mean_8_bits": float(rounded.mean()),
                "changed_8_bits": float((rounded > 0).mean()),
            }
        )
        outputs.append(torch.from_numpy(theirs))
    return OutputComparison(inputs, rows, outputs)


def _pixels(images: np.ndarray) -> np.ndarray:
    return ((np.nan_to_num(images) + 1) * LEVELS).round().clip(0, 255).astype(np.int16)


def make_certificate(
    precision: str, runtime: Runtime, comparison: OutputComparison
) -> dict[str, Any]:
    """Returns all that a reader needs to judge, or repeat, the comparison; "passed" is the verdict.

    Only arithmetic of 32 bits can fail: for fewer bits it reports the differences, and whether they are usual.
    """
    rows, limit = comparison.rows, LIMITS[precision]
    largest = max(row["max"] for row in rows)
    content = hashlib.sha256()
    for _, images in comparison.inputs:
        content.update(images.numpy().tobytes())
    return {
        "passed": largest <= limit or precision in ("half", "int8"),
        "within_limit": largest <= limit,
        "limit": limit,
        "unit": "grey levels, of 255",
        "max": largest,
        "mean": fmean(row["mean"] for row in rows),
        "max_8_bits": max(row["max_8_bits"] for row in rows),
        "mean_8_bits": fmean(row["mean_8_bits"] for row in rows),
        "changed_8_bits": fmean(row["changed_8_bits"] for row in rows),
        "runtime": runtime.name,
        "compared_with": f"PyTorch {torch.__version__}, float32, CPU",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "inputs": len(rows),
        "inputs_sha256": content.hexdigest(),
        "each": rows,
    }
