"""Controls of a page of examples, hidden until the script is there that makes it work."""

from __future__ import annotations

from collections.abc import Sequence

from dominate import tags

from util.pages.gallery.content import Column

KEYS = (
    ("↓ or j, ↑ or k", "next and previous example"),
    ("Enter or space", "open the example in the large view"),
    ("Escape", "back to the list"),
    ("→ ←", "next and previous example in the large view"),
    ("1 to 9", "choose the left image"),
    ("Shift + 1 to 9", "choose the right image"),
    ("a, o, s, d", "all images, one image, swipe, difference"),
    ("x", "swap left and right"),
    (", .", "move the slider"),
    ("/", "filter"),
    ("?", "this list"),
)
MODES = (("all", "All"), ("one", "One"), ("swipe", "Swipe"), ("difference", "Difference"))
GAINS = (1, 2, 4, 8, 16)


class dialog(tags.html_tag):
    """<dialog>, which dominate does not know."""


def toolbar(columns: Sequence[Column], count: int, width: int) -> None:
    with tags.form(id="tools", role="search", hidden=True):
        example = columns[0].key if columns else ""
        hint = f"name, or {example}>0.1" if example else "name"
        with tags.label("Filter "):
            tags.input_(id="filter", type="search", placeholder=hint, autocomplete="off")
        with tags.label("Sort "), tags.select(id="sort"):
            tags.option("original order", value="")
            tags.option("by name", value="name")
            for number, column in enumerate(columns):
                for text, direction in _orders(column):
                    tags.option(f"{column.key}, {text}", value=f"{number} {direction}")
        with tags.label("Size "):
            tags.input_(id="size", type="range", min=32, max=max(768, width), step=8, value=width)
        with tags.label():
            tags.input_(id="heat", type="checkbox")
            tags.span("Differences")
        tags.output(f"{count} examples", id="count")
        tags.button("?", id="keys", type="button", title="Keys")


def _orders(column: Column) -> list[tuple[str, str]]:
    if column.lower_is_better is None:
        return [("largest first", "down"), ("smallest first", "up")]
    worst, best = ("down", "up") if column.lower_is_better else ("up", "down")
    return [("worst first", worst), ("best first", best)]


def view() -> None:
    """Adds the large view; its pictures are put in by the script."""
    with dialog(id="view", aria_label="Large view"):
        with tags.div(cls="top"):
            tags.button("←", id="previous", type="button", title="Previous example")
            tags.button("→", id="next", type="button", title="Next example")
            tags.strong(id="name")
            tags.span(id="numbers")
            tags.button("×", id="close", type="button", title="Close")
        with tags.div(cls="choices"):
            with tags.div(id="modes", role="group", aria_label="What is shown"):
                for mode, text in MODES:
                    tags.button(text, type="button", value=mode)
            tags.div(id="left", role="group", aria_label="Left image")
            tags.button("⇄", id="swap", type="button", title="Swap left and right")
            tags.div(id="right", role="group", aria_label="Right image")
        tags.div(id="stage", tabindex=-1, autofocus=True)
        with tags.label(id="slide"):
            tags.input_(id="slider", type="range", min=0, max=100, step=0.5, value=50)
            tags.span("Slider", cls="hidden")
        with tags.div(id="grade"):
            with tags.label("Difference "), tags.select(id="gain"):
                for gain in GAINS:
                    tags.option(
                        f"× {gain}", value=gain, **({"selected": True} if gain == 4 else {})
                    )
            tags.span("0")
            tags.span(cls="scale")
            tags.span(id="limit")


def help_text() -> None:
    with dialog(id="help", aria_label="Keys"):
        with tags.table():
            for keys, meaning in KEYS:
                tags.tr(tags.td(keys), tags.td(meaning))
        tags.p("Type part of a name, a condition such as l1>0.1, or both.")
        with tags.form(method="dialog"):
            tags.button("Close")
