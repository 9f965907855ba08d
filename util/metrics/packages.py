"""Packages that only some metrics need, and what to type when they are missing."""

from __future__ import annotations

import importlib.util

from util.errors import InputError


def need(name: str, packages: dict[str, str], flags: str = "") -> None:
    """Raises: InputError when a metric's package is missing. packages: module -> name on PyPI."""
    absent = [pip for module, pip in packages.items() if importlib.util.find_spec(module) is None]
    if absent:
        raise InputError(
            f"the metric {name} needs a package that is not installed: pip install {flags}{' '.join(absent)}"
        )


def need_torchmetrics(name: str) -> None:
    need(name, {"torchmetrics": "torchmetrics"})
