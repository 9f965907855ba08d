"""A line of progress for terminals of any width: what matters most is never cut off."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

BAR = 20  # cells at most
SHORTEST_BAR = 5


class ProgressBar(tqdm):
    """A bar on standard error that is gone when it is closed.

    Args:
        task: what is in progress, the first words of the line.
        initial: how many of `total` images are done already.
        shown: False for none.
    Attributes:
        facts: further words, the most important ones first.
    """

    def __init__(self, task: str, total: int, initial: int = 0, *, shown: bool = True) -> None:
        self.task, self.facts = task, list[str]()
        super().__init__(
            total=total,
            initial=initial,
            disable=not shown,
            smoothing=0.05,
            dynamic_ncols=True,
            leave=False,
        )

    def __str__(self) -> str:
        now = self.format_dict
        done = now["n"] - now["initial"]
        rate = now["rate"] or (done / now["elapsed"] if now["elapsed"] else 0.0)
        share = now["n"] / now["total"] if now["total"] else 1.0
        left = self.format_interval((now["total"] - now["n"]) / rate) if rate else "?"
        words = [f"{left} left", *([speed(rate)] if rate else []), *self.facts]
        full, empty = "━─" if "utf" in str(self.fp.encoding).lower() else "#-"
        return progress_line(
            (now["ncols"] or 80) - 1, f"{self.task} {share:4.0%}", share, words, full, empty
        )


def progress_line(
    width: int, head: str, share: float, words: Sequence[str], full: str, empty: str
) -> str:
    """Makes a line of at most `width` columns: head, bar, words.

    As many words as fit, from the first on, which is there however narrow the terminal is; the bar gets what is left.
    """
    line = f"{head}  {words[0]}"
    for word in words[1:]:
        if len(line) + 2 + len(word) > width:
            break
        line += f"  {word}"
    cells = min(BAR, width - len(line) - 2)
    if cells < SHORTEST_BAR:
        return line[:width]
    done = round(share * cells)
    return line.replace(head, f"{head}  {full * done}{empty * (cells - done)}", 1)


def speed(images_per_second: float) -> str:
    """Words a speed in the unit that fits."""
    if images_per_second >= 1 or not images_per_second:
        return f"{images_per_second:.3g} images/s"
    return f"{1 / images_per_second:.3g} s/image"
