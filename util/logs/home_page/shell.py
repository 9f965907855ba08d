"""index.html of a folder of runs."""

from __future__ import annotations

from pathlib import Path

from dominate import tags
from dominate.util import raw

from util.design import new_page, theme_button
from util.files import write_text
from util.logs.charts import chart_controls, chart_script, chart_style

FOLDER = Path(__file__).parent
SCRIPTS = ("runs.js", "list.js", "overlay.js", "compare.js", "start.js")  # in this order


def write_shell(path: Path, title: str) -> None:
    """Writes everything but the data."""
    page = new_page(f"{title}: all runs", chart_style(), _text("home.css"))
    with page:
        with tags.header(cls="head"):
            tags.h1(f"{title}: all runs")
            theme_button()
        with tags.main():
            _list()
            _compare()
        tags.script(raw("(() => {\n" + chart_script() + "".join(map(_text, SCRIPTS)) + "})();\n"))
    write_text(path, page.render(pretty=False))


def _list() -> None:
    with tags.div(cls="bar"):
        with tags.label("Find"):
            tags.input_(type="search", id="filter", placeholder="name or flag")
        with tags.label("Sort"), tags.select(id="sort"):
            tags.option("Newest first", value="time")
            tags.option("Best score first", value="score")
            tags.option("By name", value="name")
        tags.output(id="count", cls="muted")
        tags.span("Tick runs to compare their curves and images", cls="muted small")
    with tags.noscript():
        tags.p("This page needs JavaScript. Each run has a page of its own: NAME/web/index.html")
    tags.ul(id="runs")


def _compare() -> None:
    with tags.section(id="compare", hidden=True, aria_label="Comparison"):
        with tags.div(cls="bar"):
            tags.h2("Comparison")
            tags.span(id="chosen", cls="bar")
            tags.button("Clear", type="button", id="clear")
        with tags.section(id="images", cls="card", hidden=True):
            with tags.div(cls="bar"):
                tags.h3(id="same")
                tags.output(id="which", cls="muted")
            with tags.div(cls="bar"):
                tags.button("▶ Play", type="button", id="play")
                tags.input_(type="range", id="epoch", min="1", max="1", value="1", aria_label="Epoch")  # fmt: skip
            tags.div(id="examples")
        with tags.div(cls="bar curves-head"):
            tags.h3("Curves")
            chart_controls()
        tags.div(id="charts")


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
