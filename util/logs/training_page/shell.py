"""web/index.html itself."""

from __future__ import annotations

from pathlib import Path

from dominate import tags
from dominate.util import raw

from util.design import new_page, theme_button
from util.files import write_text

FOLDER = Path(__file__).parent
SCRIPTS = (  # in this order
    *("data.js", "scales.js", "lines.js", "chart.js", "pointer.js"),
    *("charts.js", "images.js", "status.js", "follow.js"),
)


def write_shell(path: Path, name: str) -> None:
    """Writes the page of a run of that name: everything but its data, which it loads from data/ beside it."""
    page = new_page(name, _text("page.css"))
    with page:
        with tags.header():
            tags.h1(name)
            theme_button()
            tags.p("Loading data/now.js ...", id="state", role="status")
            tags.progress(id="done", max="1", value="0")
            tags.noscript(
                tags.p(
                    "Curves need JavaScript. The images are in ", tags.a("images/", href="images/")
                )
            )
        with tags.main():
            tags.dl(id="facts")
            _images()
            _curves()
            with tags.details(id="options"):
                tags.summary("Options")
                tags.table(id="flags")
        tags.script(raw("(() => {\n" + "".join(_text(name) for name in SCRIPTS) + "})();\n"))
    write_text(path, page.render(pretty=False))


def _images() -> None:
    with tags.section(id="images", hidden=True):
        tags.h2("Images")
        with tags.div(cls="bar"):
            tags.button("◀", type="button", id="back", title="Previous epoch (left arrow)")
            tags.input_(type="range", id="epoch", min="0", max="0", value="0", aria_label="epoch")
            tags.button("▶", type="button", id="on", title="Next epoch (right arrow)")
            tags.output(id="which")
        tags.div(id="pictures")


def _curves() -> None:
    with tags.section(id="curves", hidden=True):
        tags.h2("Curves")
        with tags.div(cls="bar"):
            with tags.label("smoothing "):
                tags.input_(
                    type="range", id="smoothing", min="0", max="0.99", step="0.01", value="0"
                )
                tags.output("0", id="smooth")
            with tags.label("x: "), tags.select(id="unit"):
                tags.option("epochs", value="x")
                tags.option("images", value="images")
            tags.button("zoom in", type="button", id="closer")
            tags.button("zoom out", type="button", id="farther")
            tags.button(
                "reset zoom", type="button", id="whole", title="Show the whole run (double click)"
            )
            tags.small("Drag to zoom · double-click to reset", cls="hint")
        tags.div(id="charts")


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
