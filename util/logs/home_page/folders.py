"""The folders of runs, of any age, below a folder of checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from util.errors import InputError
from util.files import replacing
from util.logs.home_page.shell import write_shell
from util.logs.home_page.summary import FILE, summarize, write_summary
from util.logs.records import FILE as RECORD
from util.logs.records import read_record

SIGNS = (RECORD, "loss_log.txt", "train_opt.txt")  # the newest first


def write_home(checkpoints: Path) -> None:
    """Writes the page and its list of runs, and a summary for runs that have a record and none yet.

    Raises: InputError when the disk refuses.
    """
    found = [_entry(checkpoints, folder) for folder in run_folders(checkpoints)]
    found.sort(key=lambda entry: entry["time"], reverse=True)
    with replacing(checkpoints / "runs.js", lasting=False) as file:
        file.write(f"home.runs({json.dumps(found)});\n".encode())
    write_shell(checkpoints / "index.html", checkpoints.absolute().name or "runs")


def run_folders(checkpoints: Path) -> Iterator[Path]:
    """Yields folders of runs, also those whose names have a slash."""
    for pattern in ("*/", "*/*/"):
        for folder in sorted(checkpoints.glob(pattern)):
            if any((folder / sign).is_file() for sign in SIGNS):
                yield folder


def _entry(checkpoints: Path, folder: Path) -> dict[str, Any]:
    log = next(folder / sign for sign in SIGNS if (folder / sign).is_file())
    summary = folder / "web" / FILE
    if log.name == RECORD and not summary.exists():
        try:
            record = read_record(log)
            content = summarize(record, folder / "web").content(
                max(record.times, default=record.started), record.ending, record.reason
            )
            write_summary(folder / "web", content)
        except (OSError, InputError):
            pass  # it is listed by its name alone
    return {
        "folder": folder.relative_to(checkpoints).as_posix(),
        "summary": summary.exists(),
        "page": (folder / "web/index.html").exists(),
        "time": log.stat().st_mtime,
    }
