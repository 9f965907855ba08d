"""A page of examples in one file: plain HTML that is complete by itself, and a script that adds the rest."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dominate import tags
from dominate.util import raw

from util.design import new_page, theme_button
from util.design.links import link_bar
from util.files import write_text
from util.pages.gallery import controls
from util.pages.gallery.content import Column, Example, Picture
from util.pages.gallery.summary import count_wins, grades, summarize

FOLDER = Path(__file__).parent / "browser"
STYLES = ("list.css", "summary.css", "view.css")
SCRIPTS = (  # in this order
    *("examples.js", "filter.js", "arrange.js", "summary.js", "zoom.js", "view.js", "heat.js"),
    *("keep.js", "keys.js", "address.js"),
)

# Examples that a browser lays out together. It leaves out what is far from the window; asking of every single
# example whether it is near would take longer than a frame. Divisible by most numbers of columns.
TOGETHER = 60
NBSP = "\N{NO-BREAK SPACE}"
NARROW = 3  # pictures side by side on a phone


def write_gallery(
    path: Path,
    title: str,
    examples: Sequence[Example],
    columns: Sequence[Column],
    *,
    width: int,
    pair: tuple[str, str] = ("", ""),
    verdict: Sequence[str] = (),
    notes: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
    report: Callable[[], None] | None = None,
) -> None:
    """Writes a page in place of an older one at once.

    Args:
        width: of images on the page when it is opened, in pixels; roughly, as they fill the window.
        pair: labels of the two pictures that are compared first; the first two of an example that lacks them.
        verdict: sentences that say what all came to.
        notes: further sentences, shown small.
        links: text -> file, to pages that belong to this one.
        report: adds tags above the examples, instead of a summary of the columns: where these examples are a choice.
    """
    columns = [each for each in columns if any(each.place in e.values for e in examples)]
    labels = list(dict.fromkeys(p.label for example in examples for p in example.pictures))
    # Each is rendered by itself: 5,000 of them as objects would take hundreds of megabytes.
    draw = _Articles(examples, columns, labels)
    articles = [draw.article(example) for example in examples]
    page = new_page(title, *map(_text, STYLES))
    with page.head:
        tags.style(raw(_sizes(examples, width)), id="sizes")
    with page:
        with tags.header():
            with tags.div(cls="head"):
                tags.h1(title)
                link_bar(path, {text: address(file) for text, file in (links or {}).items()})
                theme_button()
            with tags.div(cls="lead"):
                for number, sentence in enumerate(verdict):
                    tags.p(sentence, cls="" if number else "verdict")
                for note in notes:
                    tags.p(note, cls="small muted")
            if report:
                report()
            elif len(examples) > 1 and any(each.place[0] for each in columns):
                _summary(examples, columns)
        controls.toolbar(columns, labels, len(examples), width)
        with tags.main():
            for start in range(0, len(articles), TOGETHER):
                part = articles[start : start + TOGETHER]
                tags.section(raw("\n".join(part)), style=f"--count:{len(part)}")
        controls.view()
        controls.help_text()
        raw(_text("heat.svg"))
        tags.script(raw(_data(examples, columns, labels, pair)), type="application/json", id="data")
        tags.script(raw("(() => {\n" + "".join(_text(name) for name in SCRIPTS) + "})();\n"))
    write_text(path, page.render(pretty=False))


def address(file: str) -> str:
    """Returns a link to a file, from its path relative to the page's folder."""
    return quote(os.fsencode(file))


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


class _Articles:
    """Draws examples, whose values are graded by all examples."""

    def __init__(
        self, examples: Sequence[Example], columns: Sequence[Column], labels: Sequence[str]
    ) -> None:
        self.columns = {
            label: [each for each in columns if each.place[0] == label] for label in labels
        }
        self.number = {label: number for number, label in enumerate(labels)}
        first = [own[0] for own in self.columns.values() if own]
        self.grades = {each.place: grades(examples, each) for each in first}

    def article(self, example: Example) -> str:
        article = tags.article(tags.h2(example.name))
        for row in example.rows:
            line = article.add(tags.div(cls="row"))
            for picture in row:
                line.add(self._figure(example, picture))
        return article.render(pretty=False)

    def _figure(self, example: Example, picture: Picture) -> tags.figure:
        link = address(picture.file)
        image = tags.img(
            src=link, width=picture.width, height=picture.height,
            loading="lazy", alt=f"{picture.label} of {example.name}",
        )  # fmt: skip
        caption = tags.figcaption(picture.label)
        own = [each for each in self.columns[picture.label] if each.place in example.values]
        if own:
            texts = [
                f"{each.place[1]}{NBSP}{each.text(example.values[each.place])}" for each in own
            ]
            mark = self._mark(example, own[0])
            caption.add(tags.small(", ".join(texts), **({"cls": mark} if mark else {})))
        return tags.figure(tags.a(image, href=link), caption, cls=f"p{self.number[picture.label]}")

    def _mark(self, example: Example, column: Column) -> str:
        """Returns a class for a value: that of the best run, or that of its rank among all examples."""
        value = example.values[column.place]
        if column.contest:
            rivals = [
                own[0] for own in self.columns.values() if own and own[0].contest == column.contest
            ]
            others = [example.values[each.place] for each in rivals if each.place in example.values]
            return "win" if value == (min if column.lower_is_better else max)(others) else ""
        grade = self.grades[column.place].get(value)
        return f"g{grade}" if grade else ""


def _summary(examples: Sequence[Example], columns: Sequence[Column]) -> None:
    """Adds a table of the columns that pictures have; the script adds the distribution and the extremes."""
    wins = count_wins(examples, columns)
    heads = ("Score", "Mean", "Median", "Best", "Worst", *(["Wins"] if wins else []))
    with tags.section(id="summary", cls="card", aria_label="Summary of all examples"):
        with tags.div(cls="table"):
            with (
                tags.div(cls="scroll", tabindex="0", role="region", aria_label="Scores"),
                tags.table(id="scores"),
            ):
                with tags.thead(), tags.tr():
                    for text in heads:
                        tags.th(text, scope="col")
                with tags.tbody():
                    for number, column in enumerate(columns):
                        if column.place[0]:
                            _summary_line(examples, column, number, wins.get(column.place))
            for text in dict.fromkeys(_meaning(each) for each in columns if each.meaning):
                tags.p(text, cls="small muted")
        with tags.div(cls="charts"):
            tags.div(id="spread", hidden=True)
            tags.div(id="ends", hidden=True)


def _summary_line(
    examples: Sequence[Example], column: Column, number: int, wins: int | None
) -> None:
    summary = summarize(examples, column)
    with tags.tr(data_column=str(number)):
        with tags.th(scope="row"):
            tags.span(column.key, title=column.meaning)
            if column.lower_is_better is not None:
                better = "lower is better" if column.lower_is_better else "higher is better"
                tags.span(" ↓" if column.lower_is_better else " ↑", title=better, cls="muted")
        for value in (summary.mean, summary.median):
            tags.td(column.text(value))
        for end in (summary.best, summary.worst):
            tags.td(column.text(end[0]), title=end[1]) if end else tags.td("–")
        if wins is not None:
            share = f"{100 * wins / len(examples):.0f}%"
            tags.td(f"{wins} of {summary.number}", cls="share", style=f"--share:{share}")


def _meaning(column: Column) -> str:
    return f"{column.place[1]}: {column.meaning}"


def _sizes(examples: Sequence[Example], width: int) -> str:
    """Returns the size of pictures, and of examples that are not laid out yet; small pictures get visible pixels."""
    pictures = [picture for example in examples for picture in example.pictures]
    widths = {picture.width for picture in pictures}
    ratio = _usual(round(one.height / one.width, 3) for one in pictures)
    across = max((len(row) for example in examples for row in example.rows), default=1)
    lines = _usual(len(example.rows) for example in examples)
    crisp = ",".join(f'img[width="{own}"]' for own in sorted(widths) if 2 * own <= width)
    return (
        f":root{{--size:{width}px;--ratio:{ratio};--across:{across};--lines:{lines}}}"
        + (f"@media(max-width:700px){{:root{{--across:{NARROW}}}}}" if across > NARROW else "")
        + (f"{crisp}{{image-rendering:pixelated}}" if crisp else "")
    )


def _usual(values: Any) -> Any:
    return next((value for value, _ in Counter(values).most_common(1)), 1)


def _data(
    examples: Sequence[Example],
    columns: Sequence[Column],
    labels: Sequence[str],
    pair: tuple[str, str],
) -> str:
    """Returns data for the script, as JSON that cannot end the element it stands in."""
    content: dict[str, Any] = {
        "pair": pair,
        "together": TOGETHER,
        "labels": labels,
        "keys": [each.key for each in columns],
        "places": [each.place[0] for each in columns],
        "lower": [each.lower_is_better for each in columns],
        "decimals": [each.decimals for each in columns],
        "contests": [each.contest for each in columns],
        "values": [[_rounded(e.values.get(each.place)) for each in columns] for e in examples],
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _rounded(value: float | None) -> float | None:
    """Keeps enough digits to tell any two apart that differ by a grey level somewhere."""
    return None if value is None else float(f"{value:.6g}")
