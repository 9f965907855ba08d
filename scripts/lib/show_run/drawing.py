"""Curves as a figure, with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.show_run.reading import LoggedRun
from util.errors import InputError


@dataclass(frozen=True)
class PlotStyle:
    """Style in which curves are drawn.

    Attributes:
        x: epochs or images.
        smooth: 0 to below 1; how much of the mean stays at each point.
        log: logarithmic values.
        together: all in one panel, instead of one for each name.
    """

    x: str = "epochs"
    smooth: float = 0.0
    log: bool = False
    together: bool = False


def smooth(values: Sequence[float], factor: float) -> list[float]:
    """Returns the exponential moving average, without the pull of its beginning; passes over what is no number."""
    mean = weight = 0.0
    means = []
    for value in values:
        if math.isfinite(value):
            mean, weight = factor * mean + (1 - factor) * value, factor * weight + 1 - factor
        means.append(mean / weight if weight and math.isfinite(value) else math.nan)
    return means


def draw(runs: Sequence[LoggedRun], names: Sequence[str], look: PlotStyle, file: Path) -> None:
    """Writes the figure in the format of the file's ending. Raises: InputError when that is not possible."""
    try:
        import matplotlib
    except ImportError:
        raise InputError("plots need matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [list(names)] if look.together else [[name] for name in names]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    size = (10, 6) if len(panels) == 1 else (4.4 * columns, 3 * rows)
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for number, axis in enumerate(axes.flat):
        if number < len(panels):
            _panel(axis, runs, panels[number], look)
        else:
            axis.set_axis_off()
    try:
        figure.savefig(file, dpi=120)
    except (OSError, ValueError) as error:  # ValueError: an ending that it does not know
        raise InputError(f"cannot write {file}: {error}") from None
    finally:
        pyplot.close(figure)


def _panel(axis, runs: Sequence[LoggedRun], names: Sequence[str], look: PlotStyle) -> None:
    lines = [(run, name) for run in runs for name in names if name in run.curves]
    for number, (run, name) in enumerate(lines):
        label = name if len(runs) == 1 else run.label if len(names) == 1 else f"{run.label}: {name}"
        colour = f"C{(number if len(names) > 1 else runs.index(run)) % 10}"
        curve = run.curves[name]
        x = curve.images if look.x == "images" else curve.epochs
        marker = "." if len(x) < 30 else None
        style = {"color": colour, "linewidth": 1.2, "marker": marker}
        if look.smooth and not name.startswith("val_"):  # scores are means already, and few
            axis.plot(x, curve.values, color=colour, linewidth=0.6, alpha=0.3)
            axis.plot(x, smooth(curve.values, look.smooth), label=_plain(label), **style)
        else:
            axis.plot(x, curve.values, label=_plain(label), **style)
    if look.log:
        axis.set_yscale("log")
    if len(names) == 1:
        axis.set_title(_plain(names[0]))
    if len(lines) > 1:
        axis.legend(fontsize="small")
    axis.set_xlabel(look.x)
    axis.grid(alpha=0.3)


def _plain(text: str) -> str:
    """Escapes dollars, which would be formulas, and a first letter for which a legend hides a text."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
