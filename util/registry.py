"""Name -> class, for what we ship and for files that users drop beside ours."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterable


def find_class(package: str, kind: str, name: str, shipped: Iterable[str]) -> type:
    """The class of `package/<name>_<kind>.py`: <Name><Kind>, any case, underscores left out.

    Raises: ValueError for a name that has no file, or a file that lacks the class.
    """
    module_name = f"{package}.{name}_{kind}"
    if not name.isidentifier() or importlib.util.find_spec(module_name) is None:
        flag = "--model" if kind == "model" else "--dataset_mode"
        raise ValueError(
            f"{flag} {name!r} is unknown: choose from {', '.join(sorted(shipped))}, "
            f"or write {package}/<name>_{kind}.py (see {package}/template_{kind}.py)"
        )
    module = importlib.import_module(module_name)
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
