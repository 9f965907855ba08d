"""Pages of tables and rows of images, written with dominate, which escapes text; addresses are quoted here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dominate import tags

from util.design import new_page, theme_button
from util.files import write_text

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Picture:
    """An image file, as a path relative to the page's folder, and what to write below it."""

    file: str
    label: str


@dataclass(frozen=True)
class Row:
    """Images that belong together, under a heading."""

    heading: str
    pictures: list[Picture]


@dataclass(frozen=True)
class Table:
    """Lines of texts, the first of them the header, between a lead and notes, under a heading."""

    heading: str
    lines: Sequence[Sequence[str]]
    lead: str = ""
    notes: Sequence[str] = ()


def write_page(
    path: Path, title: str, rows: list[Row], *, width: int, tables: Sequence[Table] = ()
) -> None:
    """Writes a page in place of an older one at once.

    Args:
        width: of images on the page, in pixels.
        tables: shown above the images.
    """
    page = new_page(title, STYLE)
    with page:
        tags.header(tags.h1(title), theme_button(), cls="head")
        with tags.main():
            for table in tables:
                _add_table(table)
            for row in rows:
                tags.h3(row.heading)
                with tags.table(border="1").add(tags.tr()):
                    for picture in row.pictures:
                        link = address(picture.file)
                        with tags.td(), tags.p():
                            with tags.a(href=link):
                                tags.img(src=link, width=width, loading="lazy", alt=picture.label)
                            tags.br()
                            tags.span(picture.label)
    write_text(path, page.render(pretty=False))


def address(file: str) -> str:
    """Returns a link to a file, from its path relative to the page's folder."""
    return quote(os.fsencode(file))


def _add_table(table: Table) -> None:
    tags.h3(table.heading)
    if table.lead:
        tags.p(table.lead)
    with tags.table(border="1"):
        for number, line in enumerate(table.lines):
            with tags.tr():
                for text in line:
                    (tags.td if number else tags.th)(text)
    for note in table.notes:
        tags.p(note)
