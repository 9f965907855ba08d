"""Text files that grow line by line while a run goes on, on disks that may fill up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from util.errors import InputError
from util.files import write_text


class AppendedFile:
    """Appends lines at once, each whole. Those that the disk refuses are kept, and written when it takes them again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = logging.getLogger(__name__)
        self.waiting: list[str] = []
        if _ends_in_half_a_line(path):
            self.waiting.append("")  # the next one begins on a line of its own

    def rewrite(self, read: Callable[[], list[str]]) -> None:
        """Leaves in the file what `read` returns of its lines; warns, and leaves it as it is, where that fails."""
        try:
            if self.path.exists():
                write_text(self.path, "".join(read()))
        except (OSError, InputError) as error:
            self._log.warning("%s stays as it is: %s", self.path, error)

    def add(self, line: str) -> None:
        """Appends a line; warns once when the disk refuses."""
        late = bool(self.waiting)
        if (error := self.write(line)) and not late:
            self._log.warning(
                "cannot write %s (%s): its lines wait until that works again",
                self.path,
                error.strerror,
            )

    def write(self, line: str) -> OSError | None:
        """Writes this line and those that wait, all or none; returns what is in the way."""
        self.waiting.append(line)
        try:
            with open(self.path, "ab", buffering=0) as file:
                text = "".join(f"{waiting}\n" for waiting in self.waiting)
                data = text.encode("utf-8", "backslashreplace")
                end = file.seek(0, 2)
                if file.write(data) != len(data):  # a disk that fills up takes a part
                    file.truncate(end)
                    return OSError(28, "No space left on device")
        except OSError as error:
            return error
        self.waiting = []
        return None


def _ends_in_half_a_line(path: Path) -> bool:
    """Tells whether a crash of the machine cut off the file's last line."""
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) == 0:
                return False
            file.seek(-1, 2)
            return file.read() != b"\n"
    except OSError:
        return False
