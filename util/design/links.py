"""Links between the pages of a run: its training, its results, and what compares and measures them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from dominate import tags

from util.errors import InputError
from util.files import write_text

BAR = re.compile(r'(<nav aria-label="Pages" class="links" id="pages">)(.*?)(</nav>)', re.S)
LINK = re.compile(r'<a href="([^"]*)">([^<]*)</a>')
HEAD = 200_000  # characters of a page, before which its links stand


def link_bar(page: Path, links: Mapping[str, str]) -> None:
    """Adds the links of a page, text -> address, and those which others have put into the page it replaces."""
    older = {}
    with suppress(OSError):
        older = read_links(page.read_text(encoding="utf-8", errors="replace"))
    kept = {
        text: address
        for text, address in older.items()
        if os.path.isfile(os.path.join(os.fsencode(page.parent), unquote_to_bytes(address)))
    }
    with tags.nav(aria_label="Pages", cls="links", id="pages"):
        for text, address in {**kept, **links}.items():
            tags.a(text, href=address)


def read_links(text: str) -> dict[str, str]:
    """Returns the links of a page's bar, text -> address; {} where it has none."""
    bar = BAR.search(text[:HEAD])
    return (
        {unescape(name): unescape(address) for address, name in LINK.findall(bar[2])} if bar else {}
    )


def add_link(page: Path, text: str, target: Path) -> None:
    """Adds a link to a page that is there already, or changes the one of that text; does nothing to a file that cannot be changed."""
    with suppress(OSError, InputError, ValueError):  # ValueError: on another drive of Windows
        content = page.read_text(encoding="utf-8")
        relative = Path(os.path.relpath(target, page.parent)).as_posix()
        links = {**read_links(content), text: quote(os.fsencode(relative))}
        lines = "".join(
            f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in links.items()
        )
        changed, found = BAR.subn(lambda bar: bar[1] + lines + bar[3], content, count=1)
        if found and changed != content:
            write_text(page, changed)


def links_to(pages: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Returns the paths, relative to a folder, of those pages that exist."""
    found = {}
    for text, page in pages.items():
        with suppress(ValueError):
            if page.is_file():
                found[text] = Path(os.path.relpath(page, folder)).as_posix()
    return found
