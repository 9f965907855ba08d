"""A segmenter trained on real pairs, which judges how well generated photographs show what they should.

The score of the pix2pix paper (Isola et al. 2017, section 4.2, "FCN-score"): labels that a network recognises in a
generated photograph are compared with those that it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models.networks.unet import UnetGenerator
from scripts.lib.evaluation.report import align
from scripts.lib.evaluation.result_folders import File, TestRun, read
from util.checkpoints.files import load
from util.errors import InputError
from util.files import replacing
from util.images.label_maps import IGNORED, TOLERANCE, Palette, nearest_colours, true_labels
from util.metrics.segmentation import SegmentationScores, confusion_matrix, segmentation_scores

DOWNS = 6
MULTIPLE = 2**DOWNS
# Share of a label map's pixels that have a colour of the palette; photographs have fewer.
FLAT = 0.5
SCORES = ("pixel_accuracy", "class_accuracy", "class_iou")
CODE = np.array([65536, 256, 1])  # a colour as one number
NOISE = 4  # grey levels between neighbours of one colour, after JPEG
RARE = 0.002  # share of all pixels below which a colour is none of the palette
APART = 40.0  # least distance in RGB between two colours of a palette: JPEG blurs


class Segmenter(nn.Module):
    """A small U-Net: photographs (N, 3, H, W) in [-1, 1], sides multiples of 64 -> logits (N, classes, H, W).

    Args:
        colours: of the classes in label maps, (classes, 3) uint8.
    """

    def __init__(self, colours: np.ndarray, width: int = 24) -> None:
        super().__init__()
        self.palette = palette_of(colours)
        self.width = width
        self.network = UnetGenerator(3, len(colours), width, norm="batch", num_downs=DOWNS)
        self.network.model.model[-1] = nn.Identity()  # logits, where a generator has its tanh

    def forward(self, photographs: torch.Tensor) -> torch.Tensor:
        return self.network(photographs)

    def save(self, path: Path) -> None:
        colours = torch.from_numpy(self.palette.colours)
        with replacing(path) as beside:
            torch.save({"colours": colours, "weights": self.network.state_dict()}, beside)

    @classmethod
    def read(cls, path: Path) -> Segmenter:
        """Raises: InputError when the file is no segmenter of scripts/train_segmenter.py."""
        content = load(path)
        try:
            colours, weights = content["colours"], content["weights"]
            segmenter = cls(colours.numpy(), weights["model.model.0.weight"].shape[0])
            segmenter.network.load_state_dict(weights)
        except (KeyError, TypeError, AttributeError, RuntimeError, ValueError):
            raise InputError(
                f"{path} is no segmenter: make one by scripts/train_segmenter.py"
            ) from None
        return segmenter.eval()

    @torch.no_grad()
    def labels(self, photograph: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 -> (H, W) uint8, the class of every pixel."""
        height, width = photograph.shape[:2]
        image = torch.from_numpy(np.ascontiguousarray(photograph)).permute(2, 0, 1)[None]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        padded = F.pad(image.float() / 127.5 - 1, (0, right, 0, below), mode="replicate")
        logits = self(padded.to(next(self.parameters()).device))[..., :height, :width]
        return logits.argmax(1)[0].cpu().numpy().astype(np.uint8)


def palette_of(colours: np.ndarray) -> Palette:
    """A palette whose classes are called by their numbers."""
    return Palette.of([(f"class {i}", [int(v) for v in rgb]) for i, rgb in enumerate(colours)])


def find_colours(maps: Iterable[np.ndarray], most: int = 64) -> np.ndarray:
    """The colours that label maps (H, W, 3) uint8 are drawn in, the most frequent first: (classes, 3) uint8.

    Only pixels that look like their right and lower neighbours count, so that blurred edges are no colours.
    """
    counts: dict[int, int] = {}
    total = 0
    for image in maps:
        wide = image.astype(np.int64)
        inner = wide[:-1, :-1]
        below, right = (np.abs(inner - other).max(-1) for other in (wide[1:, :-1], wide[:-1, 1:]))
        flat = inner[np.maximum(below, right) <= NOISE]
        total += below.size
        for value, count in zip(*np.unique(flat @ CODE, return_counts=True), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + int(count)
    found: list[np.ndarray] = []
    shares: list[float] = []
    for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        colour = np.array([value >> 16, value >> 8 & 255, value & 255])
        near = [i for i, other in enumerate(found) if np.linalg.norm(colour - other) < APART]
        if near:  # a shade of a colour that is known
            shares[near[0]] += count / total
        elif len(found) < most:
            found.append(colour)
            shares.append(count / total)
    kept = [colour for colour, share in zip(found, shares, strict=True) if share >= RARE]
    if len(kept) < 2:
        raise InputError("these images are no label maps: they have fewer than two flat colours")
    return np.array(kept, np.uint8)


def flatness(image: np.ndarray, palette: Palette) -> float:
    """The share of pixels (H, W, 3) uint8 that have a colour of the palette, within the blur of JPEG."""
    _, distance = nearest_colours(image, palette.colours)
    return float((distance <= TOLERANCE**2).mean())


@dataclass(frozen=True)
class Pairs:
    """Photographs and the classes of their pixels: (N, 3, H, W) uint8 and (N, H, W) uint8, with IGNORED."""

    photographs: torch.Tensor
    classes: torch.Tensor

    def crops(
        self, count: int, size: int, generator: torch.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Endless batches of random crops, half of them mirrored: in [-1, 1], and class numbers as int64."""
        height, width = self.classes.shape[1:]

        def draw(top: int) -> list[int]:
            return torch.randint(top, (count,), generator=generator).tolist()

        while True:
            images = draw(len(self.classes))
            rows, columns = draw(height - size + 1), draw(width - size + 1)
            photographs, classes = [], []
            for image, y, x, mirrored in zip(images, rows, columns, draw(2), strict=True):
                part = (..., slice(y, y + size), slice(x, x + size))
                photograph, known = self.photographs[image][part], self.classes[image][part]
                photographs.append(photograph.flip(-1) if mirrored else photograph)
                classes.append(known.flip(-1) if mirrored else known)
            yield torch.stack(photographs).float() / 127.5 - 1, torch.stack(classes).long()


def train(
    segmenter: Segmenter,
    pairs: Pairs,
    steps: int,
    *,
    size: int,
    batch: int,
    rate: float = 1e-3,
    seed: int = 0,
) -> Iterator[float]:
    """Trains by cross entropy with Adam, at a rate that falls linearly to 0; gives every step's loss."""
    optimizer = torch.optim.Adam(segmenter.parameters(), lr=rate)
    device = next(segmenter.parameters()).device
    batches = pairs.crops(batch, size, torch.Generator().manual_seed(seed))
    segmenter.train()
    for step in range(steps):
        photographs, classes = next(batches)
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        logits = segmenter(photographs.to(device))  # (N, classes, H, W)
        loss = F.cross_entropy(logits, classes.to(device), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield float(loss.detach())
    segmenter.eval()


def label_side(segmenter: Segmenter, examples: dict[str, np.ndarray]) -> str:
    """Which of two sides holds the label maps, by an example (H, W, 3) uint8 of each.

    Raises: InputError when neither is drawn in the segmenter's colours.
    """
    share = {side: flatness(image, segmenter.palette) for side, image in examples.items()}
    side = max(share, key=lambda name: share[name])
    if share[side] < FLAT:
        raise InputError(
            f"these results have no label maps of the segmenter: {share[side]:.0%} of the pixels of real_{side} have one "
            "of its colours"
        )
    return side


def label_scores(
    segmenter: Segmenter, photographs: Sequence[np.ndarray], label_maps: Sequence[np.ndarray]
) -> SegmentationScores:
    """How well the segmenter finds the labels of each map in its photograph; both (H, W, 3) uint8."""
    classes = len(segmenter.palette.names)
    total = np.zeros((classes, classes), np.int64)
    for photograph, label_map in zip(photographs, label_maps, strict=True):
        truth = true_labels(label_map, segmenter.palette)
        total += confusion_matrix(truth, segmenter.labels(photograph), classes)
    return segmentation_scores(total)


@dataclass(frozen=True)
class LabelRow:
    """Scores by a segmenter: of one run, or of several that differ by seed."""

    name: str
    members: Sequence[SegmentationScores]

    def cells(self) -> list[str]:
        return [self.name, *(self._cell(name) for name in SCORES)]

    def _cell(self, name: str) -> str:
        values = [getattr(member, name) for member in self.members]
        spread = f" (sd {np.std(values, ddof=1):.3f})" if len(values) > 1 else ""
        return f"{np.mean(values):.3f}{spread}"

    def plain(self) -> dict[str, Any]:
        """The row for programs."""
        values = {name: [getattr(member, name) for member in self.members] for name in SCORES}
        return {"name": self.name, **values}


def score_labels(segmenter: Segmenter, groups: Mapping[str, Sequence[TestRun]]) -> list[LabelRow]:
    """Scores every run's generated photographs by the label maps that they were made from.

    Returns: the real photographs first, the ceiling; then a row for each group of runs.
    Raises: InputError when a run has no label maps, or nothing was generated from them.
    """
    rows: list[LabelRow] = []
    real: list[LabelRow] = []
    for name, runs in groups.items():
        members = []
        for run in runs:
            print(f"recognising labels in {run.folder}", flush=True)
            sides = {side: run.files.get(f"real_{side}", {}) for side in "AB"}
            if not all(sides.values()):
                raise InputError(
                    f"{run.folder} lacks real_A or real_B: --segmenter needs tests on pairs"
                )
            examples = {
                side: read_picture(next(iter(files.values()))) for side, files in sides.items()
            }
            labels = label_side(segmenter, examples)
            photographs = "B" if labels == "A" else "A"
            fakes = run.files.get(f"fake_{photographs}", {})
            shared = sorted(fakes.keys() & sides[labels].keys())
            if not shared:
                raise InputError(
                    f"{run.folder} has no photographs made from label maps: no fake_{photographs}"
                )
            maps = [read_picture(sides[labels][one]) for one in shared]
            members.append(
                label_scores(segmenter, [read_picture(fakes[one]) for one in shared], maps)
            )
            if not real:
                truths = [read_picture(sides[photographs][one]) for one in shared]
                ceiling = label_scores(segmenter, truths, maps)
                real.append(LabelRow("real photographs", [ceiling]))
        rows.append(LabelRow(name, members))
    return [*real, *rows]


def read_picture(path: File) -> np.ndarray:
    """(H, W, 3) uint8."""
    return read(path).movedim(0, -1).numpy()


def label_table(rows: Sequence[LabelRow]) -> str:
    """The rows for the console."""
    lines = [["", *(name.replace("_", " ") for name in SCORES)], *(row.cells() for row in rows)]
    return "\n".join(["labels that the segmenter recognises (higher is better)", *align(lines)])
