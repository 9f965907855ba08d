"""Tries every kind and prints a table; exit status 1 if anything is wrong. A word picks a group."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bad_inputs.every import EVERY
from bad_inputs.kind import tried

COLUMNS = ("kinds", "messages", "worked", "tracebacks", "files lost", "seconds")


def main(groups: list[str]) -> int:
    import torch

    torch.set_num_threads(1)
    counts: dict[str, Counter[str]] = {}
    wrong = []
    for kind in EVERY:
        if groups and kind.group not in groups:
            continue
        with tempfile.TemporaryDirectory() as folder:
            ended = tried(kind, Path(folder))
        count = counts.setdefault(kind.group, Counter())
        count["kinds"] += 1
        count[{"message": "messages", "works": "worked", "traceback": "tracebacks"}[ended.how]] += 1
        count["files lost"] += len(ended.lost)
        count["seconds"] += ended.seconds
        wrong += [f"{kind}: {complaint}" for complaint in ended.wrong]
    for complaint in wrong:
        print(complaint)
    print("group".ljust(10), *(column.rjust(11) for column in COLUMNS))
    for group, count in [*counts.items(), ("total", sum(counts.values(), Counter()))]:
        print(group.ljust(10), *(f"{count[column]:11.0f}" for column in COLUMNS))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
