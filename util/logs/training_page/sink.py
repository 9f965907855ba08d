"""web/index.html: curves, images and where the run stands, on a page that follows the training."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from util.errors import InputError
from util.files import replacing, sweep
from util.images import write_jpeg, write_png
from util.logs.example_files import FOLDER, example_file, suffix_of
from util.logs.logger import At, Sink
from util.logs.training_page.shell import write_shell
from util.logs.training_page.stream import Stream, hint, point, shown, shown_examples
from util.training.progress import crossed

SHARE = 0.01  # of the time may go into bringing the page up to date
LONGEST = 600.0  # seconds between the images of an epoch


class PageSink(Sink):
    """Writes images at the first display of an epoch, and whenever update_html_freq images or ten minutes have gone by.

    A disk that refuses is reported once and tried again.

    Args:
        run: what the page says of the run (util/logs/training_page/stream.py).
        events: of its earlier part (util/logs/training_page/earlier.py).
        interval: seconds between updates, at least.
    """

    def __init__(
        self,
        folder: Path,
        run: Mapping[str, Any],
        *,
        update_html_freq: int,
        events: Sequence[str] = (),
        interval: float = 1.0,
    ) -> None:
        self.folder, self.update_html_freq, self.interval = folder, update_html_freq, interval
        self.stream = Stream(folder / "data", run, events)
        self.at = At(1, 0, 0, 0.0)  # where the training stands
        self.written: At | None = None  # the last images
        self.written_at = 0.0
        self.shell = False
        self.due = 0.0
        self.warned = False
        for part in ("data", "images", FOLDER):
            sweep(folder / part)
        self._update()

    def position(self, at: At) -> None:
        self.at = at
        self._update()

    def losses(self, at: At, losses: Mapping[str, float]) -> None:
        self.at = at
        self._add("losses", at, losses)

    def scores(self, at: At, scores: Mapping[str, float]) -> None:
        self._add("scores", at, scores)

    def health(self, at: At, values: Mapping[str, float]) -> None:
        self._add("health", at, values)

    def images(self, at: At, images: Mapping[str, np.ndarray]) -> None:
        if self.written is not None and not self._due(self.written, at):
            return
        try:
            for name, image in images.items():
                path = self.folder / "images" / f"epoch{at.epoch:03d}_{name}.png"
                # A browser may be reading the older one.
                with replacing(path, lasting=False) as file:
                    write_png(file, image)
        except InputError as error:
            self._warn(error)
            return
        self.stream.add(shown(at.epoch, at.run_images, list(images)))
        self.written, self.written_at = at, time.monotonic()
        self._update()

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        labels, suffix = list(pictures[0]), suffix_of(pictures)
        try:
            for number, each in enumerate(pictures, 1):
                for label, image in each.items():
                    write = write_png if suffix == "png" else write_jpeg
                    file = example_file(at.epoch, number, label, suffix)
                    with replacing(self.folder / FOLDER / file, lasting=False) as opened:
                        write(opened, image)
        except InputError as error:
            self._warn(error)
            return
        self.stream.add(shown_examples(at.epoch, at.run_images, labels, suffix))
        self._update()

    def hint(self, at: At, text: str) -> None:
        self.stream.add(hint(at.epoch, text))
        self._update()

    def close(self, ending: str, reason: str = "") -> None:
        self._update(ending, reason)

    def _due(self, last: At, at: At) -> bool:
        late = time.monotonic() - self.written_at > LONGEST
        many = crossed(last.run_images, at.run_images, self.update_html_freq)
        return last.epoch != at.epoch or late or many

    def _add(self, kind: str, at: At, values: Mapping[str, float]) -> None:
        self.stream.add(point(kind, at, values, time.time()))
        if time.perf_counter() >= self.due:
            self._update()

    def _update(self, ending: str = "", reason: str = "") -> None:
        began = time.perf_counter()
        try:
            self.stream.write(ending, reason=reason, at=self.at)
            if not self.shell:
                write_shell(self.folder / "index.html", self.stream.run["name"])
                self.shell = True
        except InputError as error:
            self._warn(error)
        now = time.perf_counter()
        self.due = now + max(self.interval, (now - began) / SHARE)

    def _warn(self, error: InputError) -> None:
        if not self.warned:
            self.warned = True
            logging.getLogger(__name__).warning(
                "the training page is not up to date (%s): it waits until that works again", error
            )
