"""Content of a page of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Picture:
    """An image file, as a path relative to the page's folder, its label, and its size in pixels."""

    file: str
    label: str
    width: int
    height: int


Place = tuple[str, str]  # label of a picture, name of a number


@dataclass(frozen=True)
class Column:
    """A number that examples may have: to be sorted and filtered by, and written below its picture.

    Attributes:
        place: where examples have it; with the label "" it is written nowhere.
        key: what it is called in a filter, such as l1 in "l1>0.1"; no two columns share one.
        lower_is_better: None where neither is.
        meaning: a few words; "" when the key says all.
        contest: columns of one contest are runs that compete for the best value of each example; "" for none.
    """

    place: Place
    key: str
    lower_is_better: bool | None
    decimals: int
    meaning: str = ""
    contest: str = ""

    def text(self, value: float) -> str:
        return f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class Example:
    """Pictures that belong together.

    Attributes:
        name: its heading.
        rows: pictures side by side, one row below the other.
        values: numbers; examples that lack one are sorted to the end.
    """

    name: str
    rows: Sequence[Sequence[Picture]]
    values: Mapping[Place, float] = field(default_factory=dict)

    @property
    def pictures(self) -> list[Picture]:
        return [picture for row in self.rows for picture in row]
