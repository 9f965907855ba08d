"""The data of the page: events in files of 500, of which only the last one is ever written again."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from options.metrics import METRICS
from util.files import replacing
from util.logs.logger import At
from util.logs.records import finite

LOWER_IS_BETTER = {name: each.lower_is_better for name, each in METRICS.items()}
SIZE = 500  # events in a file: at most some 100 KB to write for an update, and 200 files to open for 100,000 points


def point(kind: str, at: At, values: Mapping[str, float], when: float) -> str:
    """Writes the event of losses, scores or health, at `when` seconds since 1970."""
    where = [at.epoch, at.epoch_images, at.run_images, round(at.x, 9)]
    pace = [_short(at.time), _short(at.data), _short(at.lr), _known(when)]
    return _json([kind, *where, *pace, {name: _short(value) for name, value in values.items()}])


def shown(epoch: int, run_images: int, labels: Sequence[str]) -> str:
    """Writes the event of an epoch's images having been written."""
    return _json(["images", epoch, run_images, list(labels)])


def shown_examples(epoch: int, run_images: int, labels: Sequence[str], suffix: str) -> str:
    """Writes the event of an epoch's fixed examples having been written, as files of that suffix."""
    return _json(["examples", epoch, run_images, list(labels), suffix])


def hint(epoch: int, text: str) -> str:
    """Writes the event of a hint."""
    return _json(["note", epoch, text])


class Stream:
    """Keeps what is not on disk yet.

    Args:
        folder: where the files lie.
        run: name, last_epoch, epoch_images, step_images, device, width (of images), options,
            their defaults, and which were changed; as far as they are known: when it started and from how many images, whether there is a page of all runs (home), command lines, split and names of
            the fixed examples, and which metrics are better when lower.
        events: those of its earlier part.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any], events: Sequence[str] = ()) -> None:
        self.folder = folder
        self.id = f"{time.time():.3f}"  # tells an open page that what it has is no longer true
        self.run = {"id": self.id, "size": SIZE, "before": len(events), **run}
        self.count = 0
        self.unwritten: dict[int, list[str]] = {}
        self.opened = False
        for event in events:
            self.add(event)

    def add(self, event: str) -> None:
        self.unwritten.setdefault(self.count // SIZE, []).append(event)
        self.count += 1

    def write(
        self, ending: str = "", when: float | None = None, reason: str = "", at: At | None = None
    ) -> None:
        """Brings the disk up to date, as of `when` or now. Raises: InputError when it refuses; nothing is lost then.

        at: where the training stands, if it is not at its last losses.
        """
        if not self.opened:
            self._call("run.js", "run", json.dumps(finite(self.run, instead=str)))
            for number in self._numbers_beyond():
                (self.folder / f"{number:05d}.js").unlink(missing_ok=True)
            self.opened = True
        for number, events in list(self.unwritten.items()):
            body = f'"{self.id}",{number},[\n' + ",\n".join(events) + "\n]"
            self._call(f"{number:05d}.js", "chunk", body)
            if len(events) == SIZE:
                del self.unwritten[number]
        now = {"id": self.id, "time": when or time.time(), "events": self.count, "ending": ending}
        now |= {"reason": reason} if reason else {}
        if at and at.trained:
            now |= {
                "at": [at.epoch, at.epoch_images, at.run_images],
                "trained": round(at.trained, 3),
            }
        self._call("now.js", "now", json.dumps(now))

    def _call(self, file: str, function: str, arguments: str) -> None:
        # Waiting for the disk would cost more than all else, for what metrics.jsonl has as well.
        with replacing(self.folder / file, lasting=False) as opened:
            opened.write(f"page.{function}({arguments});\n".encode())

    def _numbers_beyond(self) -> list[int]:
        """Lists the numbers of files that an earlier run, or a part of this one that was lost, has left."""
        numbers = [int(file.stem) for file in self.folder.glob("*.js") if file.stem.isdecimal()]
        return [number for number in numbers if number * SIZE >= self.count]


def _known(when: float) -> float | None:
    """Rounds to the millisecond; None where it is not known."""
    return round(when, 3) if math.isfinite(when) else None


def _json(event: list[Any]) -> str:
    return json.dumps(event, separators=(",", ":"), allow_nan=False)


def _short(value: float) -> float | None:
    """Rounds to six digits: more than a screen can show."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
