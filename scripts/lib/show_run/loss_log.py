"""loss_log.txt, in the two formats that there are:

    (epoch: 1, iters: 100, time: 0.123, data: 0.456) G_GAN: 0.693 G_L1: 12.345
    [Rank 0] (epoch: 1, iters: 100, time: 0.1230, data: 0.4560) , G_GAN: 0.6931, G_L1: 12.3450

with a banner where a process started. Its lines say nothing of the size of an epoch, which places points within it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

BANNER = re.compile(r"=+ (Training Loss|Continued) ?\(.*\) =+")
LINE = re.compile(r"(?:\[Rank (\d+)\] )?\(epoch: (\d+), iters: (\d+),[^)]*\)(.*)")
VALUE = re.compile(r"([^\s,:][^\s,]*): ?([-+\w.]+)")


@dataclass
class LossLine:
    """Losses at so many images of an epoch."""

    epoch: int
    iters: int
    values: dict[str, float]


def read_runs(text: str) -> list[list[LossLine]]:
    """Returns the runs of a log, in their order. One that was continued is one, without the steps that it took twice."""
    runs: list[list[LossLine]] = []
    starts, rank = "", None
    for row in text.splitlines():
        if banner := BANNER.match(row.strip()):
            starts = banner[1]
        elif (match := LINE.match(row.strip())) and (values := _values(match[4])):
            rank = match[1] if rank is None else rank
            if match[1] != rank:
                continue  # another process says the same
            line = LossLine(int(match[2]), int(match[3]), values)
            if not runs:
                runs.append([])
            elif starts:
                _start(runs, line, continued=starts == "Continued")
            starts = ""
            runs[-1].append(line)
    return runs


def _start(runs: list[list[LossLine]], first: LossLine, *, continued: bool) -> None:
    """Begins or continues a run after a banner: the original code has the same one for runs that go on, but these do not begin with epoch 1."""
    if not continued and first.epoch == 1:
        runs.append([])
        return
    here = (first.epoch, first.iters)
    runs[-1] = [line for line in runs[-1] if (line.epoch, line.iters) < here]


def _values(text: str) -> dict[str, float]:
    found = {}
    for name, value in VALUE.findall(text):
        try:
            found[name] = float(value)
        except ValueError:
            continue
    return found


def epoch_images(lines: list[LossLine]) -> int:
    """Images of an epoch, as far as can be told.

    Lines come every so many images, also across the end of an epoch: that gives its size.
    """
    most = max(line.iters for line in lines)
    steps = Counter(b.iters - a.iters for a, b in pairwise(lines) if a.epoch == b.epoch)
    if not steps:
        return most
    every = steps.most_common(1)[0][0]
    sizes = [every + a.iters - b.iters for a, b in pairwise(lines) if b.epoch == a.epoch + 1]
    return max(most, round(median(sizes))) if sizes else most
