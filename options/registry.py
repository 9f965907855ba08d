"""Classes by name, in files that users drop beside ours in models/, models/networks/ and data/."""

from __future__ import annotations

import importlib
import importlib.util
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
OURS = ("data", "models", "options", "util")
PORTED = "A file written for the original code has to be ported: see docs/migration.md, Python code"


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
    file = f"{folder}/{name}_{kind}.py"
    try:
        module = importlib.import_module(f"{package}.{name}_{kind}")
    except ImportError as error:
        if error.name and error.name.split(".")[0] not in OURS:
            raise
        raise ValueError(f"{file}: {error}. {PORTED}") from None
    wanted = (name.replace("_", "") + kind).lower()
    for attribute, value in vars(module).items():
        if attribute.lower() == wanted and isinstance(value, type):
            if kind == "dataset" and "__getitem__" in vars(value) and "item" not in vars(value):
                raise ValueError(f"{file}: {attribute} has no item(index, rng). {PORTED}")
            found = getattr(sys.modules[package], "adapted", lambda own: own)(value)
            if not (lacking := sorted(getattr(found, "__abstractmethods__", ()))):
                return found
            raise ValueError(
                f"{file} has no complete class named {wanted}: {attribute} lacks {', '.join(lacking)}; {example}"
            )
    raise ValueError(f"{file} has no complete class named {wanted} (any case); {example}")


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
