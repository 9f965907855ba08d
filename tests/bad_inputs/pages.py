"""Reading a page back: its texts, whether it is well-formed, and where its links lead."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

VOID = ("meta", "link", "img", "br", "input")
ICON = "data:image/svg+xml,"
EXPECTED = {
    "html",
    "head",
    "title",
    "meta",
    "link",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "table",
    "tr",
    "th",
    "td",
    "p",
}
EXPECTED |= {"tbody", "a", "img", "br", "span"}
# of pages of examples
EXPECTED |= {"header", "nav", "main", "section", "article", "figure", "figcaption", "small", "div"}
EXPECTED |= {"thead", "details", "summary", "optgroup", "i", "b"}
EXPECTED |= {"form", "label", "input", "select", "option", "output", "button", "dialog", "strong"}
EXPECTED |= {"script", "svg", "filter", "fecolormatrix", "fecomponenttransfer"}
EXPECTED |= {"fefuncr", "fefuncg", "fefuncb"}


class Page(HTMLParser):
    """Attributes: texts, by tag, in order; links, addresses of images in order; tags, all there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    @property
    def pictures(self) -> list[str]:
        """Links to the examples' images, which do not lead to other pages."""
        return [link for link in self.links if link.startswith("images/")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open[-1] == tag, f"</{tag}> closes {self.open[-1]}"
            self.open.pop()

    def handle_data(self, text: str) -> None:
        if self.open:
            self.texts[self.open[-1]][-1] += text


def checked_page(path: Path) -> Page:
    """The page, when it is well-formed, has only our tags, and each link leads to a file below it."""
    html = path.read_bytes().decode("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    page = Page(html)
    assert page.tags <= EXPECTED, f"strange tags: {page.tags - EXPECTED}"
    assert len(page.texts.get("script", [])) in (1, 3), "a name has become a script"
    for link in (link for link in page.links if not link.startswith(ICON)):
        assert os.path.isfile(os.path.join(os.fsencode(path.parent), unquote_to_bytes(link))), link
    return page
