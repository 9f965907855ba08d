"""What a training page has to show, read from its files without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from bad_inputs.pages import ICON, Page

from util.logs.example_files import example_file
from util.logs.logger import At, Sink
from util.logs.training_page.sink import PageSink


@dataclass
class Shown:
    """Attributes: events of numbers; epochs with the labels of their images and of the examples; hints with their epochs."""

    run: dict[str, Any]
    now: dict[str, Any]
    events: list[list[Any]] = field(default_factory=list)
    epochs: dict[int, list[str]] = field(default_factory=dict)
    examples: dict[int, list[str]] = field(default_factory=dict)
    hints: list[tuple[int, str]] = field(default_factory=list)

    def losses(self, name: str) -> list[float]:
        return [event[-1][name] for event in self.events if event[0] == "losses"]


def read_training_page(web: Path) -> Shown:
    """The content, when all of it is of one run and complete, and the images are there."""
    shown = Shown(_call(web, "run", "run")[0], _call(web, "now", "now")[0])
    size, events = shown.run["size"], []
    for number in range(-(-shown.now["events"] // size)):
        whose, which, some = _call(web, f"{number:05d}", "chunk")
        assert (whose, which) == (shown.run["id"], number)
        assert len(some) == size or len(events) + len(some) >= shown.now["events"]
        events += some
    assert shown.now["id"] == shown.run["id"]
    for event in events:
        if event[0] == "images":
            _, epoch, _, labels = event
            shown.epochs[epoch] = labels
            for label in labels:
                assert (web / f"images/epoch{epoch:03d}_{label}.png").is_file()
        elif event[0] == "examples":
            _, epoch, _, labels, suffix = event
            shown.examples[epoch] = labels
            for number, label in product(range(len(shown.run["examples"]["names"])), labels):
                file = example_file(epoch, number + 1, label, suffix)
                assert (web / "examples" / file).is_file()
        elif event[0] == "note":
            shown.hints.append((event[1], event[2]))
        else:
            shown.events.append(event)
    _check_shell(web / "index.html", shown.run["name"])
    return shown


def _call(web: Path, file: str, function: str) -> list[Any]:
    """The arguments of the one call that a file of data is."""
    text = (web / f"data/{file}.js").read_text(encoding="utf-8")
    match = re.fullmatch(rf"page\.{function}\((.*)\);\n", text, re.S)
    assert match, text[:200]
    return json.loads(f"[{match[1]}]")


def _check_shell(path: Path, name: str) -> None:
    """The page asks for nothing but what lies beside it, and shows a name as what it is."""
    text = path.read_text(encoding="utf-8")
    head, _, script = text.rpartition("<script>")
    assert "</script>" in script
    links = re.findall(r'(?:src|href)="([^"]*)"', head)
    own = [link for link in links if not link.startswith((ICON, "../../../results/"))]
    assert own == ["../../index.html", "images/"]
    page = Page(re.sub(r"<(input|progress)([^>]*)>(</\1>)?", "", head) + "</body></html>")
    assert page.texts["h1"] == [name]
    assert page.texts["title"] == [name]


def log_epochs(
    sink: PageSink, *epochs: int, per_epoch: int = 10, labels: Sequence[str] = ("real_A", "fake_B")
) -> None:
    """Losses G = epoch + n/100 and D = 5 + 1/G at each of ten images of an epoch; then scores and images."""
    for epoch in epochs:
        for n in range(1, per_epoch + 1):
            images = (epoch - 1) * per_epoch + n
            at = At(epoch, n, images, epoch - 1 + n / per_epoch, time=0.1, data=0.01, lr=0.001)
            g = epoch + n / 100
            sink.losses(at, {"G": g, "D": 5 + 1 / g})
        sink.scores(at, {"val_l1": 1 / epoch, "val_psnr": 10.0 + epoch})
        pictures = [
            np.full((8, 8, 3), (20 * epoch, 80 * i, 99), np.uint8) for i in range(len(labels))
        ]
        sink.images(at, dict(zip(labels, pictures, strict=True)))


def log_examples(sink: Sink, *epochs: int) -> None:
    """Two fixed examples of level 90, whose outputs have the level 40 times the epoch."""
    for epoch in epochs:
        levels = {"real_A": 90, "fake_B": 40 * epoch}
        picture = {label: np.full((8, 8, 3), level, np.uint8) for label, level in levels.items()}
        sink.examples(At(epoch, 10, 10 * epoch, float(epoch)), [picture, picture])


def open_sink(
    web: Path, name: str = "run", epochs: int = 20, interval: float = 0.0, **more: Any
) -> PageSink:
    """more: what the page says of the run, in place of what it says here."""
    run = {"name": name, "last_epoch": epochs, "epoch_images": 10, "step_images": 1}
    run |= {"device": "cpu", "width": 128}
    run |= {"options": {"lr": 0.1, "beta1": 0.5}, "defaults": {"lr": 0.2, "beta1": 0.5}}
    run |= {"changed": ["lr"], "examples": {"phase": "val", "names": ["one", "two"]}, "home": True}
    run |= {"commands": {"test": "python test.py"}}
    return PageSink(web, run | {"from": 0, **more}, update_html_freq=1000, interval=interval)
