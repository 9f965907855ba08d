"""A build backend that builds nothing: `pip install .` says how the project is used instead (pyproject.toml)."""

from __future__ import annotations

from typing import Any, NoReturn

HOW = (
    "This project is used from its folder, not installed: run `pip install -r requirements.txt`, "
    "then `python train.py --help` (README.md)."
)


def get_requires_for_build_wheel(config_settings: Any = None) -> NoReturn:
    """Ends the build with the message, whatever is to be built."""
    raise SystemExit(HOW)


get_requires_for_build_sdist = get_requires_for_build_editable = get_requires_for_build_wheel
build_wheel = build_sdist = build_editable = get_requires_for_build_wheel
