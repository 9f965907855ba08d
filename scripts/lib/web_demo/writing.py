"""Puts a page, its scripts, the runtime, the network and samples into a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from util.design import FILES, STYLE, THEME, icon
from util.files import replacing, write_text
from util.images import write_png

PAGE = Path(__file__).parent / "page"
LICENCES = "licences.txt"


@dataclass(frozen=True)
class Demo:
    """Content of model.json, which the page reads.

    Attributes:
        size: of the network's images, in pixels, both ways.
        about: a sentence that says what it does.
        input_label, output_label: headings of the two pictures.
        palette: "colour", #rrggbb, and "name" of those to draw with; the first one is the background.
        samples: files to start from.
        results: files of what Python makes of them, which are shown at once.
        network: file of the network.
        bytes: of that file.
        runtime: "wasm" and perhaps "webgpu", the runtimes that are there -> bytes to fetch.
        credits: whose data the network has learnt from, below the page; may be "".
    """

    title: str
    about: str
    input_label: str
    output_label: str
    size: int
    input_nc: int
    output_nc: int
    palette: Sequence[Mapping[str, str]]
    samples: Sequence[str]
    results: Sequence[str]
    network: str
    bytes: int
    runtime: Mapping[str, int]
    credits: str


def write_demo(
    out: Path,
    demo: Demo,
    runtime: Mapping[str, bytes],
    pictures: Mapping[str, Image.Image],
    licence: str,
) -> None:
    """Writes all but the network, each file in place of an older one; model.json last.

    licence: of the data; comes after the runtime's.
    """
    for file in sorted(PAGE.iterdir()):
        write_text(out / file.name, file.read_text(encoding="utf-8"))
    for name, text in (
        ("design.css", STYLE),
        ("theme.js", THEME),
        ("files.js", FILES),
        ("icon.svg", icon(demo.title)),
        (LICENCES, (PAGE / LICENCES).read_text(encoding="utf-8") + licence),
    ):
        write_text(out / name, text)
    for name, picture in pictures.items():
        with replacing(out / name) as opened:
            write_png(opened, picture)
    for name, content in runtime.items():
        with replacing(out / name) as opened:
            opened.write(content)
    write_text(out / "model.json", json.dumps(asdict(demo), indent=1))
