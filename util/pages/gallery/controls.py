"""Controls of a page of examples, hidden until the script is there that makes it work."""

from __future__ import annotations

from collections.abc import Sequence

from dominate import tags

from options.wording import count as counted
from util.pages.gallery.content import Column

KEYS = (
    ("↓ or j, ↑ or k", "next and previous example"),
    ("Enter or space", "open the example in the large view"),
    ("Escape, or the browser's Back", "back to the list"),
    ("→ ←", "next and previous example in the large view"),
    ("a, o, s, d", "all images, one image, swipe, difference"),
    ("1 to 9", "choose the left image"),
    ("Shift + 1 to 9", "choose the right image"),
    ("x", "swap left and right"),
    ("g", "signed difference: which of the two is brighter"),
    (", .", "move the cut of the swipe"),
    ("+ - 0", "zoom in, zoom out, whole image"),
    ("Shift + arrows", "move the zoomed images"),
    ("f", "mark as a favourite, with a star"),
    ("/", "filter"),
    ("?", "this list"),
)
MODES = (("all", "All"), ("one", "One"), ("swipe", "Swipe"), ("difference", "Difference"))
GAINS = (1, 2, 4, 8, 16)
MANY = 3  # pictures, from which on single ones can be left out


class dialog(tags.html_tag):
    """<dialog>, which dominate does not know."""


def toolbar(columns: Sequence[Column], labels: Sequence[str], count: int, width: int) -> None:
    with tags.form(id="tools", role="search", hidden=True):
        with tags.label("Filter", cls="grows"):
            tags.input_(
                id="filter", type="search", autocomplete="off", spellcheck="false",
                placeholder=_hint(columns), aria_describedby="problem",
            )  # fmt: skip
        with tags.label("Sort"), tags.select(id="sort"):
            tags.option("original order", value="")
            tags.option("by name", value="name")
            for label, own in _by_label(columns).items():
                with tags.optgroup(label=label or "Differences"):
                    for number, column in own:
                        for text, direction in _orders(column):
                            tags.option(f"{column.key}, {text}", value=f"{number} {direction}")
        with tags.label("Size"):
            tags.input_(id="size", type="range", min=32, max=max(768, width), step=8, value=width)
        with tags.label():
            tags.input_(id="heat", type="checkbox")
            tags.span("Differences")
        if len(labels) > MANY:
            with tags.details(cls="menu"):
                tags.summary("Images")
                with tags.div(cls="card", id="labels"):
                    for number, label in enumerate(labels):
                        tags.label(tags.input_(type="checkbox", checked=True, value=number), label)
        tags.button(
            "★ 0",
            id="starred",
            type="button",
            aria_pressed="false",
            title="Show only what has a star",
        )
        with tags.details(cls="menu"):
            tags.summary("Export")
            with tags.div(cls="card"):
                tags.button("Copy link to this view", id="copy-link", type="button")
                tags.button("Copy names", id="copy-names", type="button")
                tags.button("Download CSV", id="csv", type="button")
                tags.output(id="exported")
        _icon("?", "keys", "Keys")
        tags.output(counted(count, "example"), id="count")
        tags.p(id="problem", role="status", hidden=True)


def _hint(columns: Sequence[Column]) -> str:
    return f"name, or {columns[0].key}>0.1" if columns else "part of a name"


def _by_label(columns: Sequence[Column]) -> dict[str, list[tuple[int, Column]]]:
    found: dict[str, list[tuple[int, Column]]] = {}
    for number, column in enumerate(columns):
        found.setdefault(column.place[0], []).append((number, column))
    return found


def _orders(column: Column) -> list[tuple[str, str]]:
    if column.lower_is_better is None:
        return [("largest first", "down"), ("smallest first", "up")]
    worst, best = ("down", "up") if column.lower_is_better else ("up", "down")
    return [("worst first", worst), ("best first", best)]


def view() -> None:
    """Adds the large view; its pictures are put in by the script."""
    with dialog(id="view", aria_label="Large view"):
        with tags.div(cls="top"):
            _icon("←", "previous", "Previous example")
            _icon("→", "next", "Next example")
            tags.strong(id="name")
            tags.span(id="place", cls="muted number")
            tags.div(id="numbers", tabindex="0", role="group", aria_label="Numbers")
            with tags.div(id="zoom", role="group", aria_label="Zoom"):
                _icon("−", "farther", "Zoom out")
                tags.button("Fit", id="whole", type="button", title="Whole image")
                _icon("+", "closer", "Zoom in")
            _icon("☆", "star", "Mark with a star")
            _icon("×", "close", "Close")
        with tags.div(cls="choices"):
            with tags.div(id="modes", role="group", aria_label="What is shown"):
                for mode, text in MODES:
                    tags.button(text, type="button", value=mode)
            tags.div(id="left", role="group", aria_label="Left image")
            _icon("⇄", "swap", "Swap left and right")
            tags.div(id="right", role="group", aria_label="Right image")
            with tags.div(id="grade"):
                with tags.label():
                    tags.input_(id="signed", type="checkbox")
                    tags.span("Signed")
                with tags.label("Amplified"), tags.select(id="gain"):
                    for gain in GAINS:
                        tags.option(
                            f"× {gain}", value=gain, **({"selected": True} if gain == 4 else {})
                        )
                tags.span("0", id="least", cls="number")
                tags.span(cls="scale")
                tags.span(id="limit", cls="number")
        tags.div(id="stage", tabindex=-1, autofocus=True)
        tags.p(id="readout", cls="small number")
        tags.p(id="said", cls="hidden", role="status")


def _icon(text: str, name: str, meaning: str) -> None:
    tags.button(text, id=name, type="button", cls="icon", aria_label=meaning, title=meaning)


def help_text() -> None:
    with dialog(id="help", aria_label="Keys"):
        with tags.table():
            for keys, meaning in KEYS:
                tags.tr(tags.th(keys, scope="row"), tags.td(meaning))
        tags.p("A filter is part of a name, a condition such as l1>0.1 or l1=0.05..0.1, or both.")
        tags.p(
            "In the large view, turn the wheel, pinch or double-click to zoom, and drag to move."
        )
        with tags.form(method="dialog"):
            tags.button("Close")
