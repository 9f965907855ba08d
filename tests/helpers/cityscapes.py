"""A Cityscapes of a few frames, made on the spot, and results for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.eval_cityscapes import evaluate
from util.images.label_maps import CITYSCAPES, CITYSCAPES_IDS, draw_labels

FRAMES = (
    "aachen_000001_000019",
    "aachen_000002_000019",
    "bonn_000000_000019",
)
SIZE = (16, 32)


def labels_of(number: int) -> np.ndarray:
    """Columns of classes, two pixels each, other ones in each frame: road and sidewalk in the first columns."""
    columns = (np.arange(SIZE[1]) // 2 + 4 * number) % 19
    return np.tile(columns, (SIZE[0], 1)).astype(np.uint8)


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    """gtFine/val with label ids; the last row of every frame is void."""
    for number, frame in enumerate(FRAMES):
        ids = np.array(CITYSCAPES_IDS, np.uint8)[labels_of(number)]
        ids[-1] = 0
        folder = tmp_path / "cs/gtFine/val" / frame.split("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ids).save(folder / f"{frame}_gtFine_labelIds.png")
    return tmp_path / "cs"


def write_results(folder: Path, names: list[str], *, shift: int = 0, every: int = 1) -> Path:
    """Label maps in colours; shift moves them to the right, every takes each n-th row and column."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        labels = np.roll(labels_of(number), shift, axis=1)[::every, ::every]
        Image.fromarray(draw_labels(labels, CITYSCAPES)).save(folder / name)
    return folder


def score(cityscapes: Path, results: Path, *flags: str) -> dict:
    out = results.parent / "scores"
    words = ["--cityscapes_dir", cityscapes, "--result_dir", results, "--output_dir", out]
    assert evaluate.main([*map(str, words), *(flags or ("--label_maps",))]) == 0
    return json.loads((out / "evaluation_results.json").read_text())


def means(table: dict) -> tuple[float, float, float]:
    return (
        table["mean_pixel_accuracy"],
        table["mean_class_accuracy"],
        table["mean_class_iou"],
    )
