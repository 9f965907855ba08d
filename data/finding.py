"""What a check of a data set has to say."""

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
    """

    severity: str
    text: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = [f"    {file}" for file in self.files[:LISTED]]
        if len(self.files) > LISTED:
            shown.append(f"    and {len(self.files) - LISTED} more")
        return "\n".join([f"{self.severity}: {self.text}", *shown])
