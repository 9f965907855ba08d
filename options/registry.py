"""Classes by name, in files that users drop beside ours in models/, models/networks/ and data/."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from options.wording import did_you_mean

FLAGS = {
    "model": "--model",
    "dataset": "--dataset_mode",
    "generator": "--netG",
    "discriminator": "--netD",
}


def find_class(package: str, kind: str, name: str, shipped: Iterable[str]) -> Any:
    """Finds the class of `package/<name>_<kind>.py`: <Name><Kind>, any case, underscores left out.

    Imports nothing, and so not PyTorch, unless there is such a file.

    Raises: ValueError for a name that has no file, or a file that lacks the class.
    """
    folder = package.replace(".", "/")
    example = f"see {folder}/template_{kind}.py" if "." not in package else "see docs/extending.md"
    if not has_file(package, kind, name):
        names = sorted(shipped)
        raise ValueError(
            f"{FLAGS[kind]} {name!r} is unknown{did_you_mean(name, names)}: choose from {', '.join(names)}, "
            f"or write {folder}/<name>_{kind}.py ({example})"
        )
    module = importlib.import_module(f"{package}.{name}_{kind}")
    wanted = (name.replace("_", "") + kind).lower()
    for attribute, value in vars(module).items():
        if attribute.lower() == wanted and isinstance(value, type):
            if inspect.isabstract(value):
                break
            return value
    raise ValueError(
        f"{folder}/{name}_{kind}.py has no complete class named {wanted} (any case); {example}"
    )


def has_file(package: str, kind: str, name: str) -> bool:
    """Tells whether there is a `package/<name>_<kind>.py`, without importing anything."""
    return name.isidentifier() and any(
        (folder / f"{name}_{kind}.py").is_file() for folder in _folders(package)
    )


def _folders(package: str) -> list[Path]:
    top, *below = package.split(".")
    if package in sys.modules:
        return [Path(folder) for folder in sys.modules[package].__path__]
    spec = importlib.util.find_spec(top)  # of a top-level package: nothing is imported
    found = (spec and spec.submodule_search_locations) or []
    return [Path(folder, *below) for folder in found]
