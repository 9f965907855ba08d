"""A page of examples in one file: plain HTML that is complete by itself, and a script that adds the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dominate import tags
from dominate.util import raw

from util.design import new_page, theme_button
from util.files import write_text
from util.pages.gallery import controls
from util.pages.gallery.content import Column, Example
from util.pages.html import address

FOLDER = Path(__file__).parent
STYLES = ("list.css", "view.css")
SCRIPTS = ("examples.js", "arrange.js", "view.js", "heat.js", "keys.js")  # in this order

# Examples that a browser lays out together. It leaves out what is far from the window; asking of every single
# example whether it is near would take longer than a frame.
TOGETHER = 50


def write_gallery(
    path: Path,
    title: str,
    examples: Sequence[Example],
    columns: Sequence[Column],
    *,
    width: int,
    pair: tuple[str, str] = ("", ""),
    notes: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> None:
    """Writes a page in place of an older one at once.

    Args:
        width: of images on the page when it is opened, in pixels.
        pair: labels of the two pictures that are compared first; the first two of an example that lacks them.
        notes: shown below the title.
        links: text -> file, to pages that belong to this one.
    """
    columns = [each for each in columns if any(each.place in e.values for e in examples)]
    # Each is rendered by itself: 5,000 of them as objects would take hundreds of megabytes.
    articles = [_article(example, columns) for example in examples]
    page = new_page(title, *map(_text, STYLES))
    with page.head:
        tags.style(raw(_sizes(examples, width)), id="sizes")
    with page:
        with tags.header():
            tags.div(tags.h1(title), theme_button(), cls="head")
            for note in notes:
                tags.p(note)
            if links:
                tags.nav([tags.a(text, href=address(file)) for text, file in links.items()])
            controls.toolbar(columns, len(examples), width)
        with tags.main():
            for start in range(0, len(articles), TOGETHER):
                part = articles[start : start + TOGETHER]
                tags.section(raw("\n".join(part)), style=f"--count:{len(part)}")
        controls.view()
        controls.help_text()
        raw(_text("heat.svg"))
        tags.script(raw(_data(examples, columns, pair)), type="application/json", id="data")
        tags.script(raw("(() => {\n" + "".join(_text(name) for name in SCRIPTS) + "})();\n"))
    write_text(path, page.render(pretty=False))


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _article(example: Example, columns: Sequence[Column]) -> str:
    article = tags.article(tags.h3(example.name))
    for row in example.rows:
        line = article.add(tags.div(cls="row"))
        for picture in row:
            link = address(picture.file)
            image = tags.img(
                src=link, width=picture.width, height=picture.height,
                loading="lazy", decoding="async", alt=picture.label,
            )  # fmt: skip
            caption = tags.figcaption(picture.label)
            if text := _values(example, columns, picture.label):
                caption.add(tags.small(text))
            line.add(tags.figure(tags.a(image, href=link), caption))
    return article.render(pretty=False)


def _values(example: Example, columns: Sequence[Column], label: str) -> str:
    return ", ".join(
        f"{each.place[1]} {example.values[each.place]:.{each.decimals}f}"
        for each in columns
        if each.place[0] == label and each.place in example.values
    )


def _sizes(examples: Sequence[Example], width: int) -> str:
    """Returns the size of pictures, and of examples that are not laid out yet; small pictures get visible pixels."""
    pictures = [picture for example in examples for picture in example.pictures]
    widths = {picture.width for picture in pictures}
    usual = Counter(round(one.height / one.width, 3) for one in pictures).most_common(1)
    crisp = ",".join(f'img[width="{own}"]' for own in sorted(widths) if 2 * own <= width)
    rule = f"{crisp}{{image-rendering:pixelated}}" if crisp else ""
    return f":root{{--size:{width}px;--ratio:{usual[0][0] if usual else 1}}}{rule}"


def _data(examples: Sequence[Example], columns: Sequence[Column], pair: tuple[str, str]) -> str:
    """Returns data for the script, as JSON that cannot end the element it stands in."""
    content: dict[str, Any] = {
        "pair": pair,
        "together": TOGETHER,
        "keys": [each.key for each in columns],
        "values": [[_rounded(e.values.get(each.place)) for each in columns] for e in examples],
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _rounded(value: float | None) -> float | None:
    """Keeps enough digits to tell any two apart that differ by a grey level somewhere."""
    return None if value is None else float(f"{value:.6g}")
