"""Label maps drawn in colours: one colour for each class."""

from __future__ import annotations

import colorsys
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from util.errors import InputError

IGNORED = 255  # true label of pixels that do not count

TOLERANCE = 24  # distance in RGB at which a true colour still counts as its class: JPEG blurs
VOID = "void"  # what names of colours begin with that stand for no class


@dataclass(frozen=True)
class Palette:
    """names: of K classes. colours: (K, 3) uint8. void: (V, 3) uint8, colours of pixels that do not count."""

    names: tuple[str, ...]
    colours: np.ndarray
    void: np.ndarray

    @classmethod
    def of(cls, classes: Sequence[tuple[str, Sequence[int]]]) -> Palette:
        """From (name, (red, green, blue)); those called void, void1, ... are no classes."""
        kept = [(name, rgb) for name, rgb in classes if not name.lower().startswith(VOID)]
        void = [rgb for name, rgb in classes if name.lower().startswith(VOID)]
        return cls(
            tuple(name for name, _ in kept),
            np.array([rgb for _, rgb in kept], np.uint8).reshape(-1, 3),
            np.array(void, np.uint8).reshape(-1, 3),
        )


# fmt: off
# The 19 classes of the Cityscapes benchmark (Cordts et al. 2016, github.com/mcordts/cityscapesScripts, labels.py):
# id, name, colour. The place in this table is the "train id"; all other ids count as void.
_CITYSCAPES = (
    (7, "road", (128, 64, 128)), (8, "sidewalk", (244, 35, 232)), (11, "building", (70, 70, 70)),
    (12, "wall", (102, 102, 156)), (13, "fence", (190, 153, 153)), (17, "pole", (153, 153, 153)),
    (19, "traffic light", (250, 170, 30)), (20, "traffic sign", (220, 220, 0)),
    (21, "vegetation", (107, 142, 35)), (22, "terrain", (152, 251, 152)), (23, "sky", (70, 130, 180)),
    (24, "person", (220, 20, 60)), (25, "rider", (255, 0, 0)), (26, "car", (0, 0, 142)),
    (27, "truck", (0, 0, 70)), (28, "bus", (0, 60, 100)), (31, "train", (0, 80, 100)),
    (32, "motorcycle", (0, 0, 230)), (33, "bicycle", (119, 11, 32)),
)
# fmt: on
CITYSCAPES = Palette.of([(name, rgb) for _, name, rgb in _CITYSCAPES])
CITYSCAPES_IDS = tuple(number for number, _, _ in _CITYSCAPES)


def train_ids(label_ids: np.ndarray) -> np.ndarray:
    """Cityscapes' label ids, whole numbers of any shape -> train ids 0 to 18, IGNORED for all other ids, uint8."""
    table = np.full(256, IGNORED, np.uint8)
    table[list(CITYSCAPES_IDS)] = np.arange(len(CITYSCAPES_IDS))
    known = (label_ids >= 0) & (label_ids < len(table))
    return np.where(known, table[np.where(known, label_ids, 0)], IGNORED).astype(np.uint8)


def nearest_colours(image: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the nearest colour in RGB (the first of several), and its squared distance.

    Args:
        image: (H, W, 3) uint8. colours: (K, 3) uint8.
    Returns: (H, W) uint8 and (H, W) int32.
    """
    best = np.zeros(image.shape[:2], np.uint8)
    least = np.full(image.shape[:2], np.iinfo(np.int32).max, np.int32)
    wide = image.astype(np.int32)
    for number, colour in enumerate(colours):  # one at a time: K times less memory
        distance = np.square(wide - colour.astype(np.int32)).sum(-1, dtype=np.int32)
        closer = distance < least
        best[closer], least[closer] = number, distance[closer]
    return best, least


def predicted_labels(image: np.ndarray, palette: Palette) -> np.ndarray:
    """(H, W, 3) uint8, a drawn label map of any quality -> (H, W) uint8: every pixel gets a class."""
    return nearest_colours(image, palette.colours)[0]


def true_labels(image: np.ndarray, palette: Palette) -> np.ndarray:
    """(H, W, 3) uint8, an exact label map -> (H, W) uint8; IGNORED for void and for colours of no class."""
    labels, distance = nearest_colours(image, np.concatenate([palette.colours, palette.void]))
    void = (labels >= len(palette.names)) | (distance > TOLERANCE**2)
    return np.where(void, IGNORED, labels).astype(np.uint8)


def draw_labels(labels: np.ndarray, palette: Palette) -> np.ndarray:
    """(H, W) labels -> (H, W, 3) uint8; IGNORED is black."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette.names)] = palette.colours
    return table[labels]


def distinct_colours(count: int) -> np.ndarray:
    """The same colours every time, (count, 3) uint8, none of them black: neighbours are far apart in hue."""
    hues = np.arange(count) * 0.618034 % 1  # the golden ratio: no two alike, however many
    values = np.array([1.0, 0.75, 0.5])[np.arange(count) // 8 % 3]
    rgb = [colorsys.hsv_to_rgb(hue, 0.8, value) for hue, value in zip(hues, values, strict=True)]
    return np.rint(np.array(rgb).reshape(-1, 3) * 255).astype(np.uint8)


def class_palette(count: int) -> np.ndarray:
    """(256, 3) uint8: `distinct_colours`, and black for all further numbers."""
    palette = np.zeros((256, 3), np.uint8)
    palette[:count] = distinct_colours(count)
    return palette


def class_colours(images: torch.Tensor) -> torch.Tensor:
    """Scores of K classes (N, K, H, W) in [-1, 1] -> pictures (N, 3, H, W): the best one's colour, black for no class."""
    best, classes = images.float().max(dim=1)
    colours = torch.from_numpy(distinct_colours(images.shape[1])).to(images.device)
    pictures = colours[classes].permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.where((best > -0.999)[:, None], pictures, -1.0)


def read_palette(path: Path) -> Palette:
    """A file of classes: JSON {"name": [red, green, blue], ...}, or CSV lines name,red,green,blue.

    Raises: InputError when it is missing or says anything else.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for, a device may never end
        raise InputError(f"--palette {path} is not a plain file")
    try:
        text = path.read_text(encoding="utf-8-sig")
        classes = _from_json(text) if path.suffix.lower() == ".json" else _from_csv(text)
    except OSError as error:
        raise InputError(f"cannot read --palette {path}: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise InputError(
            f"--palette {path} cannot be understood: it should be JSON such as "
            '{"wall": [0, 0, 170], "door": [255, 85, 0]}, or CSV lines such as wall,0,0,170 (0 to 255)'
        ) from None
    palette = Palette.of(classes)
    if not 1 <= len(palette.names) <= IGNORED:
        raise InputError(
            f"--palette {path} has {len(palette.names)} classes: 1 to 255 are possible"
        )
    colours = np.concatenate([palette.colours, palette.void])
    distinct = len(np.unique(colours, axis=0)), len(set(palette.names))
    if distinct < (len(colours), len(palette.names)):
        raise InputError(f"--palette {path} has two classes of one colour or one name")
    return palette


def _from_json(text: str) -> list[tuple[str, list[int]]]:
    return [(name, _levels(rgb)) for name, rgb in json.loads(text).items()]


def _from_csv(text: str) -> list[tuple[str, list[int]]]:
    rows = [row for row in csv.reader(text.splitlines()) if row and not row[0].startswith("#")]
    if rows and len(rows[0]) == 4 and not rows[0][1].strip().isdigit():  # a heading
        rows = rows[1:]
    return [(row[0].strip(), _levels([int(value) for value in row[1:]])) for row in rows]


def _levels(rgb: Sequence[int]) -> list[int]:
    if len(rgb) != 3 or not all(type(value) is int and 0 <= value <= 255 for value in rgb):
        raise ValueError(rgb)
    return list(rgb)
