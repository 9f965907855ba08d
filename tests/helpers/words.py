"""Command lines, written as one would type them."""

from __future__ import annotations

from pathlib import Path


def words(*parts: str | Path) -> list[str]:
    """Splits texts at spaces, as a shell does, and keeps paths whole: words("--dataroot", root, "--batch_size 4")."""
    return [
        word for part in parts for word in ([str(part)] if isinstance(part, Path) else part.split())
    ]
