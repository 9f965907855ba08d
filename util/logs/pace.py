"""How fast images go by."""

from __future__ import annotations

import time


class Pace:
    """Images from when it was made until it is stopped, and the share of that time in which training waited for them."""

    def __init__(self) -> None:
        self.started, self.images, self.waited = time.perf_counter(), 0, 0.0
        self.stopped: float | None = None

    def count(self, images: int, waited: float) -> None:
        """Counts a step: its images, and the seconds it waited for them."""
        self.images += images
        self.waited += waited

    def stop(self) -> None:
        """What comes now, such as uploads, is no training any more."""
        self.stopped = time.perf_counter()

    @property
    def seconds(self) -> float:
        until = time.perf_counter() if self.stopped is None else self.stopped
        return max(1e-9, until - self.started)

    @property
    def waiting(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.waited / self.seconds)

    def __str__(self) -> str:
        rate = self.images / self.seconds
        speed = f"{rate:.3g} images/s" if rate >= 1 or not rate else f"{1 / rate:.3g} s/image"
        return f"{speed}, {self.waiting:.0%} of the time waiting for data"
