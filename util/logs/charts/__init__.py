"""Charts in the browser: curves to zoom, smooth, read and download, on the pages of one training and of all."""

from __future__ import annotations

from pathlib import Path

from dominate import tags

FOLDER = Path(__file__).parent
SCRIPTS = (
    "scales.js",
    "lines.js",
    "tables.js",
    "chart.js",
    "pointer.js",
    "download.js",
    "range.js",
)


def chart_script() -> str:
    """Returns the scripts of all charts, for inside a function; a page adds its own after them."""
    return "".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)


def chart_style() -> str:
    return (FOLDER / "charts.css").read_text(encoding="utf-8")


def chart_controls() -> None:
    """Adds what all charts share: smoothing, the unit of the x axis, and zoom."""
    with tags.div(cls="bar"):
        with tags.label("Smoothing"):
            tags.input_(type="range", id="smoothing", min="0", max="0.99", step="0.01", value="0.6")
            tags.output("0.6", id="smooth")
        with tags.label("X axis"), tags.select(id="unit"):
            tags.option("Epochs", value="x")
            tags.option("Images", value="images")
            tags.option("Hours", value="hours")
        with tags.div(role="group", aria_label="Zoom"):
            tags.button("+", type="button", id="closer", aria_label="Zoom in", title="Zoom in")
            tags.button("−", type="button", id="farther", aria_label="Zoom out", title="Zoom out")
            tags.button(
                "Reset zoom", type="button", id="whole", title="Show the whole run (double click)"
            )
        tags.small("Drag to zoom · double-click to reset", cls="hint muted")
        tags.span(id="spoken", cls="hidden", role="status")
