"""The training page, written again from the log; a training keeps its own."""

from __future__ import annotations

import argparse
import time

from scripts.lib.show_run.reading import read_run
from util.errors import InputError
from util.logs.training_page.earlier import rebuild

KEPT = 60  # seconds since it was written, after which a page has no training that keeps it


def write_page(options: argparse.Namespace) -> int:
    """Writes the page; returns the exit status."""
    folder = options.checkpoints_dir / options.name
    page, now = folder / "web/index.html", folder / "web/data/now.js"
    if (
        now.exists()
        and time.time() - now.stat().st_mtime < KEPT
        and '"ending": ""' in now.read_text()
    ):
        raise InputError(
            f"{options.name} is being trained, which keeps its page up to date: {page}"
        )
    read_run(folder)
    rebuild(folder)
    print(f"see {page}")
    return 0
