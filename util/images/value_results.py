"""Which results are written with all their values, and how, beside their 8-bit pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from util.images.domain import Domain
from util.images.visuals import SIDES
from util.images.write import SUFFIXES, format_for, from_network, write_values


class ValueFiles:
    """Writes images of domains that need more than 8-bit grey or colour; `in` says whether a label's does.

    Args:
        domains: "A" and "B"; {} of data sets that have none, whose results are pictures alone.
        format: a value of --save_format.
    Raises: InputError when PNG is asked for and cannot hold them.
    """

    def __init__(self, domains: Mapping[str, Domain], format: str) -> None:
        self.domains = domains
        self.formats = {
            # What was asked for is about results; inputs are kept as they can be.
            side: format_for(
                format if side == "B" or format != "png" else "auto",
                domain.like,
                domain.bounds,
                domain.channels,
            )
            for side, domain in domains.items()
            if not domain.labels
        }

    def __bool__(self) -> bool:
        return any(self.formats.values())

    def __contains__(self, label: object) -> bool:
        return self.formats.get(SIDES.get(str(label), "")) is not None

    def write(self, place: Path, label: str, image: np.ndarray) -> None:
        """Writes float32 (C, H, W) in [-1, 1] as values of its domain; place lacks the suffix."""
        side = SIDES[label]
        kind = self.formats[side]
        assert kind
        values = from_network(np.moveaxis(image, 0, -1), self.domains[side].bounds)
        write_values(place.with_name(place.name + SUFFIXES[kind]), values)
