"""python tests/torture [--kills 64] [--seed 0]: kills and starves small trainings, and prints what survived.

Takes about ten minutes on two cores. Exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from conftest import write_images

from torture.faults import FAULTS, Fault
from torture.kills import CONFIGURATIONS, torture


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=64, help="over all configurations")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder) / "data", Path(folder) / "work"
        make_data(data)
        lost = kill_all(data, work, options.kills, random.Random(options.seed))
        lost += try_faults(data, work)
    print(f"mismatches and losses: {lost}")
    return 1 if lost else 0


def make_data(root: Path) -> None:
    """24 pairs, and 24 and 20 unpaired images."""
    write_images(root / "train", 24, 32, 64)
    write_images(root / "trainA", 24, 32, 32)
    write_images(root / "trainB", 20, 32, 32, 100)


def kill_all(data: Path, work: Path, kills: int, rng: random.Random) -> int:
    print(
        f"{'killed and continued':<42} {'kills':>6} {'runs':>5} {'mismatches':>11} {'seconds':>8}"
    )
    ways: Counter[str] = Counter()
    lost = 0
    for name, words in CONFIGURATIONS.items():
        started = time.perf_counter()
        outcome = torture(words, data, work / "kills", -(-kills // len(CONFIGURATIONS)), rng)
        seconds, wrong = time.perf_counter() - started, len(outcome.mismatches)
        row = f"{name:<42} {outcome.kills.total():>6} {outcome.finished:>5} {wrong:>11} {seconds:>8.0f}"
        print(row, *outcome.mismatches, flush=True)
        ways += outcome.kills
        lost += wrong
    print("by way:", ", ".join(f"{way} {count}" for way, count in ways.most_common()))
    return lost


def try_faults(data: Path, work: Path) -> int:
    print(f"\n{'fault':<36} outcome")
    lost = 0
    fault = Fault(data, work / "faults")
    for name, method in FAULTS.items():
        try:
            text = method(fault)
        except pytest.skip.Exception as reason:
            text = f"not tried: {reason}"
        except AssertionError as error:
            lost, text = lost + 1, f"LOST: {error}"
        print(f"{name:<36} {text}", flush=True)
    return lost


if __name__ == "__main__":
    sys.exit(main())
