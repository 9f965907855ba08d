"""web/index.html: the images of every epoch, newest first, from disk."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from util.html import Picture, Row, write_page
from util.images import save_image
from util.logger import At, crossed

IMAGE = re.compile(r"epoch(\d+)_(.+)\.png")


class PageSink:
    """Writes images at the first display of an epoch, and whenever update_html_freq images have gone by.

    earlier_epochs: how many epochs on disk are an earlier part of this run, and stay on the page.
    """

    def __init__(
        self, folder: Path, name: str, *, width: int, update_html_freq: int, earlier_epochs: int
    ) -> None:
        self.folder, self.name = folder, name
        self.width, self.update_html_freq = width, update_html_freq
        self.rows = self._rows_on_disk(earlier_epochs)
        self.written: At | None = None

    def losses(self, at: At, losses: dict[str, float]) -> None:
        """Nothing: the page shows images."""

    scores = health = losses

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        if self.written is not None and not self._due(self.written, at):
            return
        files = {name: f"epoch{at.epoch:03d}_{name}.png" for name in images}
        for name, image in images.items():
            save_image(self.folder / "images" / files[name], image)
        self.rows[at.epoch] = [Picture(f"images/{file}", name) for name, file in files.items()]
        self.written = at
        self._write(refresh=30)

    def _due(self, last: At, at: At) -> bool:
        return last.epoch != at.epoch or crossed(
            last.run_images, at.run_images, self.update_html_freq
        )

    def close(self, ending: str) -> None:
        if self.rows:
            self._write(refresh=0)

    def _write(self, refresh: int) -> None:
        rows = [Row(f"epoch [{epoch}]", self.rows[epoch]) for epoch in sorted(self.rows)[::-1]]
        title = f"Experiment name = {self.name}"
        write_page(self.folder / "index.html", title, rows, width=self.width, refresh=refresh)

    def _rows_on_disk(self, earlier_epochs: int) -> dict[int, list[Picture]]:
        """What an earlier part of this run has written: only epochs that have images are listed."""
        rows: dict[int, list[Picture]] = {}
        for file in sorted((self.folder / "images").glob("epoch*_*.png")):
            match = IMAGE.fullmatch(file.name)
            if match and int(match[1]) <= earlier_epochs:
                rows.setdefault(int(match[1]), []).append(Picture(f"images/{file.name}", match[2]))
        return rows
