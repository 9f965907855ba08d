"""scripts/translate.py in this process."""

from __future__ import annotations

import sys
from pathlib import Path

from helpers.runs import ROOT
from helpers.words import words

sys.path.insert(0, str(ROOT))

from scripts import translate


def run(checkpoints: Path, source: Path, target: Path, *flags: str, name: str = "cycle") -> int:
    where = words("--name", name, "--checkpoints_dir", checkpoints, "--gpu_ids -1", *flags)
    return translate.main([str(source), str(target), *where])


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
