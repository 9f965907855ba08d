"""What a training page has to show, read from its files without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bad_inputs.pages import Page


@dataclass
class Shown:
    """Attributes: events without those of images; epochs with the labels of their images, in the order of events."""

    run: dict[str, Any]
    now: dict[str, Any]
    events: list[list[Any]] = field(default_factory=list)
    epochs: dict[int, list[str]] = field(default_factory=dict)

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
    head, script = text.split("<script>")
    assert "</script>" in script
    assert "//" not in re.sub(r"//[^\n]*", "", "").join(re.findall(r'(?:src|href)="[^"]*"', head))
    page = Page(re.sub(r"<(input|progress)([^>]*)>(</\1>)?", "", head) + "</body></html>")
    assert page.texts["h1"] == [name]
    assert page.texts["title"] == [f"Experiment name = {name}"]
