"""loss_log.txt, which scripts have parsed since 2017."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from pathlib import Path

import numpy as np

from util.errors import InputError
from util.files import write_text
from util.logger import At
from util.sinks.console_sink import loss_line

BEGINNING = "Training Loss"  # in the banner of a run that is not continued
POSITION = re.compile(r"\(epoch: (\d+), iters: (\d+),")


class LossLogSink:
    """Appends a line for every print; a banner stands where a run starts.

    Lines that the disk refuses are kept, and written when it takes them again.

    Args:
        resumed: (epoch, images of it) where the file's last run goes on; its lines of later steps, which were
            taken before a kill and will be taken again, are removed. None begins another run.
    """

    def __init__(self, path: Path, resumed: tuple[int, int] | None = None) -> None:
        self.path = path
        self.waiting: list[str] = []
        if resumed and path.exists():
            write_text(path, "".join(_until(path, resumed)))
        date = datetime.now().strftime("%a %b %d %H:%M:%S %Y")
        what = "Continued" if resumed else BEGINNING
        if error := self._append(f"================ {what} ({date}) ================"):
            raise InputError(f"cannot write {path}: {error.strerror}")

    def losses(self, at: At, losses: dict[str, float]) -> None:
        late = bool(self.waiting)
        if (error := self._append(loss_line(at, losses))) and not late:
            logging.getLogger(__name__).warning(
                "cannot write %s (%s): its lines wait until that works again",
                self.path,
                error.strerror,
            )

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        """Nothing: this is a text file."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, line: str) -> OSError | None:
        """Writes this line and those that wait, all or none; returns what is in the way."""
        self.waiting.append(line)
        try:
            with open(self.path, "ab", buffering=0) as file:
                text = "".join(f"{waiting}\n" for waiting in self.waiting).encode()
                end = file.seek(0, 2)
                if file.write(text) != len(text):  # a disk that fills up takes a part
                    file.truncate(end)
                    return OSError(28, "No space left on device")
        except OSError as error:
            return error
        self.waiting = []
        return None


def _until(path: Path, resumed: tuple[int, int]) -> list[str]:
    """The lines of the file up to a point of its last run."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    begins = max((i for i, line in enumerate(lines) if f" {BEGINNING} (" in line), default=0)
    kept = lines[:begins]
    for line in lines[begins:]:
        match = POSITION.match(line)
        if match is None or (int(match[1]), int(match[2])) <= resumed:
            kept.append(line)
    return kept
