"""loss_log.txt, in the format of the original code, which other programs parse."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from util.errors import InputError
from util.logs.logger import At, Sink
from util.logs.sinks.appending import AppendedFile
from util.logs.sinks.console import loss_line

BEGINNING = "Training Loss"  # in the banner of a run that is not continued
POSITION = re.compile(r"\(epoch: (\d{1,18}), iters: (\d{1,18}),")


class LossLogSink(Sink):
    """Appends a line for every print; a banner stands where a run starts.

    Args:
        resumed: (epoch, images of it) where the file's last run goes on; its lines of later steps and validations, which
            were made before a kill and will be made again, are removed. None begins another run.
    """

    def __init__(self, path: Path, resumed: tuple[int, int] | None = None) -> None:
        self.file = AppendedFile(path)
        if resumed:
            self.file.rewrite(lambda: _until(path, resumed))
        date = datetime.now().strftime("%a %b %d %H:%M:%S %Y")
        what = "Continued" if resumed else BEGINNING
        banner = f"================ {what} ({date}) ================"
        # The first file that a run writes: a disk that refuses it would refuse the weights.
        if path.is_dir():
            self.file.add(banner)
        elif error := self.file.write(banner):
            raise InputError(f"cannot write {path}: {error.strerror}")

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.file.add(loss_line(at, losses))

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self.losses(at, scores)


def _until(path: Path, resumed: tuple[int, int]) -> list[str]:
    """Reads the file's lines up to a point of its last run. Raises: OSError."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    begins = max((i for i, line in enumerate(lines) if f" {BEGINNING} (" in line), default=0)
    kept = lines[:begins]
    for line in lines[begins:]:
        match = POSITION.match(line)
        # A validation follows the last step of its epoch.
        validation = line.partition(") ")[2].startswith("val_")
        if match is None or (int(match[1]), int(match[2]), validation) <= (*resumed, False):
            kept.append(line)
    return kept
