"""Scores for the README: of the exported file on the test images, and of the training's validations."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from scripts.lib.exporting.pictures import TestPicture
from util.images import to_uint8
from util.images.values import Values
from util.logs.records import FILE, read_record
from util.metrics import NAMES, Scorer, metric

METRICS = ("l1", "psnr")
VALUE_METRICS = ("mae", "rmse", "pearson")  # of files of more than 8 bits


def scores_on(
    pictures: Sequence[TestPicture], outputs: Sequence[torch.Tensor], values: Values
) -> str:
    """Returns a line about the outputs against truths, in the units of the files where these have more than 8 bits; "" without truths."""
    scores = score_outputs(outputs, [picture.truth for picture in pictures], values)
    if not scores:
        return ""
    found = ", ".join(f"{metric(name).title} {value:.4g}" for name, value in scores.items())
    return f"On {len(pictures)} test images, against the truth: {found}."


def score_outputs(
    outputs: Sequence[torch.Tensor],
    truths: Sequence[torch.Tensor | None],
    values: Values | None = None,
) -> dict[str, float]:
    """Returns metric -> mean over images (1, C, H, W) in [-1, 1]; {} unless all truths are known.

    values: of files with more than 8 bits, in whose units is measured then.
    """
    deep = values if values and values.deep else None
    scorer = Scorer(VALUE_METRICS if deep else METRICS, "cpu", bounds=deep.bounds if deep else None)
    for output, truth in zip(outputs, truths, strict=True):
        if truth is None:
            return {}
        if deep:
            pair = [deep.numbers(image[0].movedim(0, -1).numpy()) for image in (output, truth)]
        else:
            pair = [np.atleast_3d(to_uint8(image)[0]) for image in (output, truth)]
        scorer.add(pair[0][None], pair[1][None])
    return scorer.summary()


def scores_of_training(run: Path) -> str:
    """Returns a table of a run's validations: the last values and the best; "" without any."""
    try:
        scores = read_record(run / FILE).scores
    except OSError:
        return ""
    if not scores:
        return ""
    last = scores[-1][1]
    lines = ["| while training | last | best |", "|---|---|---|"]
    for name, value in last.items():
        values = [found[name] for _, found in scores if math.isfinite(found.get(name, math.nan))]
        best = (min if _lower_is_better(name) else max)(values, default=math.nan)
        lines.append(f"| {name} | {value:.4g} | {best:.4g} |")
    return "\n".join(lines)


def _lower_is_better(curve: str) -> bool:
    """Tells which way a validation's curve, such as val_rec_l1_A_ema, is better."""
    names = "|".join(sorted(NAMES, key=len, reverse=True))
    found = re.fullmatch(rf"val_(?:rec_)?({names})(?:_[AB])?(?:_ema)?", curve)
    return bool(found) and metric(found[1]).lower_is_better
