"""What visdom shows of a run: windows of curves, of images and of text."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from util.images.montage import grid
from util.logs.records import Point, Record
from util.logs.visdom.text import run_text

Curve = Sequence[tuple[float, Mapping[str, float]]]  # x in epochs, values by name
KINDS = ("losses", "scores", "health", "images", "examples", "run")
Pictures = Mapping[str, np.ndarray]  # label -> (H, W, 3) or (H, W) uint8


@dataclass(frozen=True)
class Windows:
    """The windows of one run in one environment; a redraw leaves them where and as large as the user has made them.

    first: number of the window of the losses. Images take the numbers after it; the other windows are called
        <first>_lr, _scores, _health, _gradients, _examples and _run.
    ncols: images per row of one grid, with its labels in another window; 0: a window each.
    winsize: width of an image on the page, in pixels.
    """

    client: Any
    first: int
    ncols: int
    winsize: int

    def are_there(self) -> bool:
        """Tells whether the server has them, or at least the first."""
        return self.client.win_exists(str(self.first))

    def draw(
        self,
        record: Record,
        images: Pictures,
        kinds: Collection[str],
        examples: Sequence[Pictures] = (),
    ) -> None:
        """Redraws the named kinds of windows.

        Args:
            examples: the fixed ones, a row each.
        """
        if "losses" in kinds:
            self._lines("", f"{record.name}: losses", _curve(record.losses), width=600)
            self._lines("_lr", f"{record.name}: learning rate", rates(record.losses), steps=True)
        if "scores" in kinds:
            title = f"{record.name}: validation"
            self._lines("_scores", title, _curve(record.scores), apart=True)
        if "health" in kinds:
            title = f"{record.name}: discriminator scores"
            self._lines("_health", title, _curve(record.health, "score_"))
            title = f"{record.name}: gradient norms"
            self._lines("_gradients", title, _curve(record.health, "grad_"), log=True)
        if "images" in kinds and images:
            self._images(record.name, list(images), list(images.values()))
        if "examples" in kinds and examples:
            labels = list(examples[0])
            picture = grid([image for each in examples for image in each.values()], len(labels))
            self._image(f"{self.first}_examples", f"{record.name}: {', '.join(labels)}", picture, 128 * len(labels))  # fmt: skip
        if "losses" in kinds or "run" in kinds:
            window = f"{self.first}_run"
            opts = {"title": f"{record.name}: run", **self._size(window, 450, 400)}
            self.client.text(run_text(record), win=window, opts=opts)

    def _lines(
        self,
        suffix: str,
        title: str,
        curve: Curve,
        *,
        width: int = 450,
        log: bool = False,
        steps: bool = False,
        apart: bool = False,
    ) -> None:
        """Draws a window of curves; log: on a logarithmic axis, steps: level between points, apart: with an axis each."""
        window = f"{self.first}{suffix}"
        curve = thinned(curve)
        names = list(dict.fromkeys(name for _, values in curve for name in values))
        if not names:
            if not self.client.win_exists(window):
                return
            curve, names = [(0.0, {})], [""]  # an earlier run's curve is not this one's
        x = np.array([x for x, _ in curve], dtype=float)
        y = np.array([[values.get(name, np.nan) for name in names] for _, values in curve], float)
        y[~np.isfinite(y)] = np.nan  # an infinity would not be JSON
        legend = [html.escape(name) for name in names]
        # Values that come at different times would leave gaps in each other's lines.
        trace = {"connectgaps": True, "line": {"shape": "hv" if steps else "linear"}}
        axes = axes_apart(len(names) if apart else 1)
        axes["yaxis"]["type"] = "log" if log else "linear"
        traces = {
            name: {**trace, "yaxis": f"y{number}" if apart and number > 1 else "y"}
            for number, name in enumerate(legend, 1)
        }
        for axis in axes.values():
            axis["exponentformat"] = "power"
        if apart and len(names) > 1:
            axes["xaxis"] = {"title": {"text": "epoch"}, "anchor": f"y{len(names)}"}  # the lowest
        opts: dict[str, Any] = {"title": title, "xlabel": "epoch", "legend": legend}
        opts |= {"traceopts": {"plotly": traces}, "margintop": 30}
        opts |= self._size(window, width, 400)
        opts["layoutopts"] = {"plotly": {"title": "", **axes}}  # the window has the title already
        self.client.line(y, x, win=window, opts=opts)

    def _images(self, name: str, labels: list[str], images: list[np.ndarray]) -> None:
        columns, number, width = min(self.ncols, len(images)), self.first + 1, self.winsize
        titles = labels
        if columns > 0:
            titles, images = [f"{name}: images"], [grid(images, columns)]
            width *= columns
        for place, (title, image) in enumerate(zip(titles, images, strict=True), number):
            self._image(str(place), title, image, width)
        if columns > 0:  # visdom passes HTML on as it is: the labels have to be escaped
            cells = [f"<td style='border: 1px solid'>{html.escape(label)}" for label in labels]
            rows = ["".join(cells[i : i + columns]) for i in range(0, len(cells), columns)]
            table = f"<table style='table-layout: fixed' width=100%><tr>{'<tr>'.join(rows)}</table>"
            window = str(number + 1)
            opts = {"title": f"{name}: labels", **self._size(window, width, 100)}
            self.client.text(table, win=window, opts=opts)

    def _image(self, window: str, title: str, image: np.ndarray, width: int) -> None:
        height = round(width * image.shape[0] / image.shape[1]) + 10  # the window's own edge
        opts = {"title": title, "jpgquality": 90, **self._size(window, width, height)}  # fast
        self.client.image(np.atleast_3d(image).transpose(2, 0, 1), win=window, opts=opts)

    def _size(self, window: str, width: int, height: int) -> dict[str, int | None]:
        """Returns pixels for a new window. One that is there would go back to them when its page is loaded again."""
        new = not self.client.win_exists(window)
        return {"width": width if new else None, "height": height if new else None}


def thinned(curve: Curve, limit: int = 1000) -> Curve:
    """Picks at most `limit` of the points, evenly, with the first and the last."""
    stride = max(1, -(-(len(curve) - 1) // (limit - 1)))
    return [*curve[:-1:stride], *curve[-1:]]


def axes_apart(count: int) -> dict[str, dict[str, Any]]:
    """Makes Plotly's y axes for so many curves, each above the next: their scales have nothing in common."""
    names = ["yaxis", *(f"yaxis{number}" for number in range(2, count + 1))]
    height = (0.85 if count > 1 else 1) / count
    tops = [1 - place / count for place in range(count)]
    return {name: {"domain": [top - height, top]} for name, top in zip(names, tops, strict=True)}


def rates(points: Sequence[Point]) -> Curve:
    """Picks the learning rate where it begins, ends, and before and after each change."""
    known = [(at.x, at.lr) for at, _ in points if np.isfinite(at.lr)]
    lrs = [lr for _, lr in known]
    edges = [
        n
        for n, lr in enumerate(lrs)
        if n in (0, len(lrs) - 1) or lr != lrs[n - 1] or lr != lrs[n + 1]
    ]
    return [(known[n][0], {"learning rate": lrs[n]}) for n in edges]


def _curve(points: Sequence[Point], prefix: str = "") -> Curve:
    """Picks those values whose names begin so, by the rest of their names."""
    return [
        (at.x, {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)})
        for at, values in points
    ]
