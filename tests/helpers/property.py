"""A folder for each example."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path


@contextlib.contextmanager
def folder():
    """A new folder for every example."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
