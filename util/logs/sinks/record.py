"""metrics.jsonl, from which every other view can be made again (util/logs/records.py)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from util.logs.logger import At, Sink
from util.logs.records import line_of, lines_until, point_line
from util.logs.sinks.appending import AppendedFile


class RecordSink(Sink):
    """Appends a line for everything that is logged.

    Args:
        start: what the first line tells: name, last_epoch, epoch_images, options.
        resumed: (epoch, images of it) where the file's last run goes on. None begins another run.
    """

    def __init__(
        self, path: Path, start: dict[str, Any], resumed: tuple[int, int] | None = None
    ) -> None:
        self.file = AppendedFile(path)
        if resumed:
            self.file.rewrite(lambda: lines_until(path, *resumed))
        self.file.add(line_of("start", time=time.time(), continued=resumed is not None, **start))

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.file.add(point_line("losses", at, losses, time.time()))

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self.file.add(point_line("scores", at, scores, time.time()))

    def health(self, at: At, values: dict[str, float]) -> None:
        self.file.add(point_line("health", at, values, time.time()))

    def hint(self, at: At, text: str) -> None:
        where = {"epoch": at.epoch, "iters": at.epoch_images, "images": at.run_images}
        self.file.add(line_of("hint", **where, time=time.time(), text=text))

    def close(self, ending: str, reason: str = "") -> None:
        why = {"reason": reason} if reason else {}
        self.file.add(line_of("end", time=time.time(), ending=ending, **why))
