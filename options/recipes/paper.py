"""The papers' settings, which are the defaults of the models: the recipe sets nothing."""

from __future__ import annotations

from typing import Any

PAPER: dict[str, dict[str, Any]] = {}
