"""loss_log.txt, which scripts have parsed since 2017."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from util.errors import InputError
from util.logger import At
from util.sinks.console_sink import loss_line


class LossLogSink:
    """Appends a line for every print; a banner stands where a run starts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        date = datetime.now().strftime("%a %b %d %H:%M:%S %Y")
        try:
            self._append(f"================ Training Loss ({date}) ================")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self._append(loss_line(at, losses))

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        """Nothing: this is a text file."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, line: str) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
