"""Agreement of predicted label maps with true ones: the three scores of the Cityscapes benchmark, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from util.images.label_maps import IGNORED


@dataclass(frozen=True)
class SegmentationScores:
    """Scores of label maps, from 0 to 1.

    Attributes:
        pixel_accuracy: share of the labelled pixels that are right.
        class_accuracy: mean of class_accuracies over the classes that occur in the truth.
        class_iou: mean of class_ious over the classes that occur in truth or prediction.
        class_accuracies, class_ious: (K,), NaN for classes that do not occur.
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    class_accuracies: np.ndarray
    class_ious: np.ndarray


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) pixel counts: row = true class, column = predicted class. Sum them over images.

    Args:
        truth: whole numbers of any shape, 0 to K-1, or IGNORED.
        predicted: the same shape, 0 to K-1 wherever truth is not IGNORED.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape}, prediction is {predicted.shape}")
    counted = truth != IGNORED
    rows, columns = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    for name, labels in (("true", rows), ("predicted", columns)):
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"{name} labels go from {labels.min()} to {labels.max()}")
    counts = np.bincount(classes * rows + columns, minlength=classes**2)
    return counts.reshape(classes, classes)


def segmentation_scores(confusion: np.ndarray) -> SegmentationScores:
    """Scores of a (K, K) confusion matrix with at least one pixel.

    The original code counts a class that does not occur as 0 in both means; here it is left out. On the whole
    validation set of Cityscapes every class occurs.
    """
    if not confusion.sum():
        raise ValueError("no labelled pixel to score")
    right = np.diag(confusion).astype(np.float64)
    true, predicted = confusion.sum(1), confusion.sum(0)
    accuracies, ious = _ratio(right, true), _ratio(right, true + predicted - right)
    return SegmentationScores(
        pixel_accuracy=float(right.sum() / confusion.sum()),
        class_accuracy=float(np.nanmean(accuracies)),
        class_iou=float(np.nanmean(ious)),
        class_accuracies=accuracies,
        class_ious=ious,
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole, NaN where whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def results_text(names: Sequence[str], scores: SegmentationScores) -> str:
    """Returns the evaluation_results.txt of the original code, line by line; nan for classes that do not occur."""
    lines = [
        f"Mean pixel accuracy: {scores.pixel_accuracy:f}",
        f"Mean class accuracy: {scores.class_accuracy:f}",
        f"Mean class IoU: {scores.class_iou:f}",
        "************ Per class numbers below ************",
    ]
    for name, accuracy, iou in zip(names, scores.class_accuracies, scores.class_ious, strict=True):
        lines.append(f"{name:15}: acc = {accuracy:f}, iou = {iou:f}")
    return "\n".join(lines) + "\n"


def results_table(
    names: Sequence[str], scores: SegmentationScores, confusion: np.ndarray
) -> dict[str, Any]:
    """Returns the same for programs: numbers as they are, null for classes that do not occur."""
    classes = {
        name: {
            "accuracy": None if np.isnan(accuracy) else float(accuracy),
            "iou": None if np.isnan(iou) else float(iou),
            "pixels": int(pixels),
        }
        for name, accuracy, iou, pixels in zip(
            names, scores.class_accuracies, scores.class_ious, confusion.sum(1), strict=True
        )
    }
    return {
        "mean_pixel_accuracy": scores.pixel_accuracy,
        "mean_class_accuracy": scores.class_accuracy,
        "mean_class_iou": scores.class_iou,
        "classes": classes,
        "confusion": confusion.tolist(),
    }
