"""Name -> class, for files that users drop beside ours in models/ and data/."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from options.nearest import did_you_mean


def find_class(package: str, kind: str, name: str, shipped: Iterable[str]) -> Any:
    """Finds the class of `package/<name>_<kind>.py`: <Name><Kind>, any case, underscores left out.

    Imports nothing, and so not PyTorch, unless there is such a file.

    Raises: ValueError for a name that has no file, or a file that lacks the class.
    """
    if not name.isidentifier() or not _has_file(package, f"{name}_{kind}.py"):
        flag = "--model" if kind == "model" else "--dataset_mode"
        names = sorted(shipped)
        raise ValueError(
            f"{flag} {name!r} is unknown{did_you_mean(name, names)}: choose from {', '.join(names)}, "
            f"or write {package}/<name>_{kind}.py (see {package}/template_{kind}.py)"
        )
    module = importlib.import_module(f"{package}.{name}_{kind}")
    wanted = (name.replace("_", "") + kind).lower()
    for attribute, value in vars(module).items():
        if attribute.lower() == wanted and isinstance(value, type):
            if inspect.isabstract(value):
                break
            return value
    raise ValueError(
        f"{package}/{name}_{kind}.py has no complete class named {wanted} (any case); "
        f"see {package}/template_{kind}.py"
    )


def _has_file(package: str, file: str) -> bool:
    if package in sys.modules:
        folders = sys.modules[package].__path__
    else:
        spec = importlib.util.find_spec(package)  # of a top-level package: nothing is imported
        folders = (spec and spec.submodule_search_locations) or []
    return any((Path(folder) / file).is_file() for folder in folders)
