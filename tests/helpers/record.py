"""metrics.jsonl files as training would have written them."""

from __future__ import annotations

from pathlib import Path

from util.logs.logger import At
from util.logs.sinks.record import RecordSink

START = {"name": "run", "last_epoch": 3, "epoch_images": 10, "options": {"lr": 0.1}}


def log(path: Path, *epochs: int, resumed: tuple[int, int] | None = None, ending: str = "") -> None:
    """Logs one loss in the middle and a score at the end of each epoch."""
    sink = RecordSink(path, START, resumed)
    for epoch in epochs:
        middle, end = (At(epoch, n, 10 * epoch - 10 + n, epoch - 1 + n / 10) for n in (5, 10))
        sink.losses(middle, {"G": epoch / 2})
        sink.scores(end, {"val_l1": epoch / 4})
    if ending:
        sink.close(ending)
