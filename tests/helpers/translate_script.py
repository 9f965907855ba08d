"""scripts/translate.py in this process."""

from __future__ import annotations

import sys
from pathlib import Path

from helpers.runs import ROOT

sys.path.insert(0, str(ROOT))

from scripts import translate


def run(checkpoints: Path, source: Path, target: Path, *flags: str, name: str = "cycle") -> int:
    where = ["--name", name, "--checkpoints_dir", str(checkpoints), "--gpu_ids", "-1"]
    return translate.main([str(source), str(target), *where, *flags])


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
