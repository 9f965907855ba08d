"""A finding of a check of a data set."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("error", "warning", "note")
LISTED = 10  # files shown of each finding


@dataclass(frozen=True)
class Finding:
    """Something about a data set that its owner should know.

    Attributes:
        severity: error (training would stop), warning (it would run, but hardly as meant) or note.
        files: one line for each file concerned.
        all_shown: whether all of them are listed, however many.
    """

    severity: str
    text: str
    files: tuple[str, ...] = ()
    all_shown: bool = False

    @property
    def brief(self) -> str:
        """Without the files, unless all of them are listed."""
        return str(self) if self.all_shown else f"{self.severity}: {self.text}"

    def __str__(self) -> str:
        count = len(self.files) if self.all_shown else LISTED
        shown = [f"    {file}" for file in self.files[:count]]
        if len(self.files) > count:
            shown.append(f"    and {len(self.files) - count} more")
        return "\n".join([f"{self.severity}: {self.text}", *shown])
