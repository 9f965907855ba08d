"""What measured better than the papers' settings at equal steps; docs/quality.md has the figures."""

from __future__ import annotations

from typing import Any

MODERN: dict[str, dict[str, Any]] = {
    "pix2pix": {
        "upsample": "resize",  # no checkerboards (Odena et al. 2016)
        "ema": "5%",  # averaged weights, half-life in shares of the run
    },
    "cycle_gan": {"upsample": "resize", "ema": "5%"},
}
