"""TensorBoard: curves and images in a folder that `tensorboard --logdir` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from util.errors import InputError
from util.images.montage import grid
from util.logs.logger import At, Sink

FLUSH_SECONDS = 20  # how old what TensorBoard shows may be


def require_tensorboard() -> Any:
    """PyTorch's writer of its files. Raises: InputError when the package is missing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "--use_tensorboard needs the package tensorboard: pip install tensorboard"
        ) from None
    return SummaryWriter


class TensorBoardSink(Sink):
    """Losses, scores, signs of health and images at the count of images; the options as text.

    Args:
        images: of the run, after which an earlier part of it goes on; whatever the folder has of later ones is not
            shown any more. None begins another run, and nothing of an earlier one is shown.
    """

    def __init__(self, folder: Path, options: Mapping[str, Any], images: int | None = None) -> None:
        purge = 0 if images is None else images + 1
        writer = require_tensorboard()
        self.writer = writer(str(folder), purge_step=purge, flush_secs=FLUSH_SECONDS)
        self.writer.add_text("options", options_table(options), images or 0)

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self._scalars("losses", at, losses)
        self.writer.add_scalar("epoch", at.x, at.run_images)
        self.writer.add_scalar("learning_rate", at.lr, at.run_images)

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self._scalars("scores", at, scores)

    def health(self, at: At, values: dict[str, float]) -> None:
        self._scalars("health", at, values)

    def _scalars(self, group: str, at: At, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(f"{group}/{name}", value, at.run_images)

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        for name, image in images.items():
            axes = "HWC" if image.ndim == 3 else "HW"
            self.writer.add_image(f"images/{name}", image, at.run_images, dataformats=axes)

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        for number, each in enumerate(pictures, 1):
            row = grid(list(each.values()), len(each))
            tag = f"examples/{number}: {', '.join(each)}"
            self.writer.add_image(tag, row, at.run_images, dataformats="HWC")

    def hint(self, at: At, text: str) -> None:
        self.writer.add_text("hints", text, at.run_images)

    def close(self, ending: str, reason: str = "") -> None:
        self.writer.close()


def options_table(options: Mapping[str, Any]) -> str:
    """Writes a table in Markdown."""
    rows = [f"| {name} | {_cell(value)} |" for name, value in sorted(options.items())]
    return "\n".join(["| flag | value |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
