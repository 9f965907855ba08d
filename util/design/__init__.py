"""The look that all pages share: colours, spacing, type and controls, in light and dark, and an icon for the tab."""

from __future__ import annotations

import colorsys
import zlib
from pathlib import Path
from urllib.parse import quote

import dominate
from dominate import tags
from dominate.util import raw

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "design.css").read_text(encoding="utf-8")
THEME = (FOLDER / "theme.js").read_text(encoding="utf-8")
FILES = (FOLDER / "files.js").read_text(encoding="utf-8")


def new_page(title: str, *styles: str) -> dominate.document:
    """Returns a page without content.

    Args:
        styles: CSS that the page adds to the shared sheet.
    """
    page = dominate.document(title=title)
    page["lang"] = "en"
    with page.head:
        tags.meta(charset="utf-8")
        tags.meta(name="viewport", content="width=device-width, initial-scale=1")
        tags.link(rel="icon", href=f"data:image/svg+xml,{quote(icon(title))}")
        tags.style(raw("".join([STYLE, *styles])))
        tags.script(raw(THEME))
    return page


def theme_button() -> tags.button:
    """Returns the switch between light and dark, which the page's script shows."""
    return tags.button("Colours", type="button", cls="theme", hidden=True)


def icon(title: str) -> str:
    """Draws an image that is translated into another, in a colour of the title's own, as SVG."""
    hue = zlib.crc32(title.encode("utf-8", "surrogatepass")) / 2**32
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.45, 0.65))
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect x="1.5" y="1.5" width="19" height="19" rx="4" fill="#fff" stroke="{colour}" stroke-width="3"/>'
        f'<rect x="11" y="11" width="21" height="21" rx="5" fill="{colour}"/></svg>'
    )
