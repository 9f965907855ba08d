"""web/index.html itself."""

from __future__ import annotations

from pathlib import Path, PurePath

from dominate import tags
from dominate.util import raw

from options.wording import count as counted
from util.design import new_page, theme_button
from util.design.links import link_bar
from util.files import write_text
from util.logs.charts import chart_controls, chart_script, chart_style

FOLDER = Path(__file__).parent
SCRIPTS = ("data.js", "charts.js", "images.js", "status.js", "follow.js")  # in this order
SPEEDS = (1, 2, 4, 8, 16)  # epochs a second


def write_shell(path: Path, name: str) -> None:
    """Writes the page of a run of that name: everything but its data, which it loads from data/ beside it."""
    home = "../" * (1 + len(PurePath(name).parts)) + "index.html"
    page = new_page(name, chart_style(), _text("page.css"))
    with page:
        with tags.header(cls="head"):
            tags.h1(name)
            link_bar(path, {"All runs": home})
            theme_button()
        with tags.main():
            _status()
            _images()
            _curves()
            with tags.details(id="options", cls="card"):
                tags.summary("Options")
                with tags.label("Search"):
                    tags.input_(type="search", id="search")
                tags.table(id="flags")
        tags.script(raw("(() => {\n" + chart_script() + "".join(map(_text, SCRIPTS)) + "})();\n"))
    write_text(path, page.render(pretty=False))


def _status() -> None:
    with tags.section(cls="card", aria_label="State of the training"):
        with tags.div(cls="bar"):
            tags.p(id="state", role="status")
            with tags.noscript():
                tags.p("This page needs JavaScript. The images are in ", tags.a("images/", href="images/"))  # fmt: skip
        tags.progress(id="done", max="1", value="0", aria_label="Progress of the training")
        tags.dl(id="facts")
        with tags.details(id="commands", hidden=True):
            tags.summary("Commands")
            tags.div(id="lines")
    tags.ul(id="notes")
    tags.p(id="first", cls="card", hidden=True)


def _images() -> None:
    with tags.section(id="images", cls="card", hidden=True):
        with tags.div(cls="bar"):
            tags.h2("Images")
            tags.output(id="which")
        with tags.div(cls="bar player"):
            tags.button("▶ Play", type="button", id="play")
            tags.button("◀", type="button", id="back", cls="icon", aria_label="Previous epoch", title="Previous epoch (left arrow)")  # fmt: skip
            tags.input_(type="range", id="epoch", min="0", max="0", value="0", aria_label="Epoch")
            tags.button("▶", type="button", id="on", cls="icon", aria_label="Next epoch", title="Next epoch (right arrow)")  # fmt: skip
            with tags.label("Speed"), tags.select(id="speed"):
                for speed in SPEEDS:
                    chosen = {"selected": True} if speed == 4 else {}
                    tags.option(counted(speed, "epoch") + "/s", value=speed, **chosen)
        with tags.div(id="fixed", hidden=True):
            tags.h3("The same examples in every epoch, from ", tags.span(id="split"))
            tags.div(id="examples")
        with tags.div(id="trained", hidden=True):
            tags.h3("Images of the training set, different ones in each epoch")
            tags.div(id="pictures")


def _curves() -> None:
    with tags.section(id="curves", hidden=True):
        with tags.div(cls="bar curves-head"):
            tags.h2("Curves")
            chart_controls()
        tags.div(id="charts")


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
