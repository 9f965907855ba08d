"""python tests/torture [PART ...] [--kills 64] [--seed 0]: kills and starves small trainings, and prints what survived.

The parts, of which all are the default: kills, faults, groups (several processes), machines (two, imitated).
Takes about 25 minutes on two cores. Exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from conftest import write_images

from torture.faults import FAULTS, Fault
from torture.groups import GROUPS, torture_group
from torture.kills import CONFIGURATIONS, torture
from torture.machines import TRIALS, Machines, cable


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=64, help="over all configurations")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder) / "data", Path(folder) / "work"
        make_data(data)
        unknown = set(options.parts) - PARTS.keys()
        if unknown:
            parser.error(f"unknown part {', '.join(unknown)}")
        rng = random.Random(options.seed)
        chosen = options.parts or PARTS
        lost = sum(PARTS[part](data, work, options.kills, rng) for part in chosen)
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


def kill_groups(data: Path, work: Path, kills: int, rng: random.Random) -> int:
    print(f"\n{'one of two processes killed':<42} {'kills':>6} {'runs':>5} {'mismatches':>11}")
    lost = 0
    for name, words in GROUPS.items():
        outcome = torture_group(words, data, work / "groups", min(10, kills), rng)
        row = f"{name:<42} {outcome.kills.total():>6} {outcome.finished:>5} {len(outcome.mismatches):>11}"
        print(row, *outcome.mismatches, flush=True)
        lost += len(outcome.mismatches)
    return lost


def try_faults(data: Path, work: Path, kills: int, rng: random.Random) -> int:
    print(f"\n{'fault':<36} outcome")
    return try_all(FAULTS, Fault(data, work / "faults"))


def try_machines(data: Path, work: Path, kills: int, rng: random.Random) -> int:
    print(f"\n{'two machines':<36} outcome")
    try:
        with cable():
            return try_all(TRIALS, Machines(data, work / "machines"))
    except pytest.skip.Exception as reason:
        print(f"not tried: {reason}")
        return 0


def try_all(trials: dict[str, Callable[[Any], str]], subject: Any) -> int:
    """Prints what comes of each trial; returns how many lost something."""
    lost = 0
    for name, method in trials.items():
        try:
            text = method(subject)
        except pytest.skip.Exception as reason:
            text = f"not tried: {reason}"
        except AssertionError as error:
            lost, text = lost + 1, f"LOST: {error}"
        print(f"{name:<36} {text}", flush=True)
    return lost


PARTS = {"kills": kill_all, "faults": try_faults, "groups": kill_groups, "machines": try_machines}


if __name__ == "__main__":
    sys.exit(main())
