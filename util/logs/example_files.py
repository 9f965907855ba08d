"""web/examples/: the fixed examples, inputs once and translations once an epoch; named by epoch, number and label.

1_real_A.png                 input or truth of the first example
epoch007_1_fake_B.png        what the networks of the end of epoch 7 make of it
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from util.images import read_picture

FOLDER = "examples"
SMALL = 128  # pixels a side
INPUT = "real"  # how the labels of inputs and truths begin
ONE_WAY = ("real_A", "fake_B", "teacher_B", "real_B", "idt_B")
TWO_WAYS = ("real_A", "fake_B", "rec_A", "idt_B", "real_B", "fake_A", "rec_B", "idt_A")
FILE = re.compile(r"(?:epoch(\d+)_)?(\d+)_(.+)\.(png|jpg)")


def example_file(epoch: int, number: int, label: str, suffix: str) -> str:
    """Returns the name of a file. number: of the example, from 1."""
    start = "" if label.startswith(INPUT) else f"epoch{epoch:03d}_"
    return f"{start}{number}_{label}.{suffix}"


def suffix_of(pictures: Sequence[Mapping[str, np.ndarray]]) -> str:
    """Chooses PNG for small examples, and for larger ones JPEG: they would fill the disk."""
    side = max(max(image.shape[:2]) for each in pictures for image in each.values())
    return "png" if side <= SMALL else "jpg"


def examples_on_disk(web: Path) -> dict[int, tuple[list[str], str]]:
    """Finds the epochs that have examples; their labels, inputs first, outputs, then truths; and the suffix."""
    inputs: dict[str, None] = {}
    made: dict[int, dict[str, str]] = {}
    for file in sorted((web / FOLDER).glob("*_*.*")):
        if match := FILE.fullmatch(file.name):
            epoch, _, label, suffix = match.groups()
            if epoch is None:
                inputs[label] = None
            else:
                made.setdefault(int(epoch), {})[label] = suffix
    return {
        epoch: (in_model_order([*inputs, *labels]), next(iter(labels.values())))
        for epoch, labels in sorted(made.items())
    }


def read_examples(web: Path, epoch: int) -> list[dict[str, np.ndarray]]:
    """Reads an epoch's examples, in their order: label -> (H, W, 3) or (H, W) uint8."""
    labels, suffix = examples_on_disk(web)[epoch]
    found: list[dict[str, np.ndarray]] = []
    while True:
        number = len(found) + 1
        files = {
            label: web / FOLDER / example_file(epoch, number, label, suffix) for label in labels
        }
        if not all(file.is_file() for file in files.values()):
            return found
        found.append({label: read_picture(file) for label, file in files.items()})


def in_model_order(labels: Sequence[str]) -> list[str]:
    """Puts labels in the order in which models give them, unknown ones before real_B."""
    places = TWO_WAYS if "fake_A" in labels else ONE_WAY
    last = places.index("real_B")
    return sorted(labels, key=lambda each: places.index(each) if each in places else last - 0.5)
