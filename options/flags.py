"""Frozen dataclass fields <-> one flat command line, in the original code's spelling.

A group is a frozen dataclass whose fields are made by `flag()`. `add_flags` turns groups into argparse arguments,
`build` turns the parsed namespace back into groups.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from options.legacy import BY_MODEL
from options.types import yes_or_no

REQUIRED = "required"  # metadata key
# "No other default in this phase".
SAME = object()
METAVARS = {int: "N", float: "X"}


def flag(
    default: Any,
    help: str,
    *,
    choices: Iterable[str] | None = None,
    parse: Callable[[str], Any] | None = None,
    metavar: str = "",
    test: Any = SAME,
    only: str = "",
    required: bool = False,
) -> Any:
    """Makes a dataclass field that is also a command-line flag of the same name.

    Args:
        metavar: what stands for the value in --help.
        test: default in the test phase, where it differs.
        only: "train" or "test" when the flag exists in one phase alone.
    """
    metadata = {
        "help": help,
        "choices": tuple(choices) if choices else None,
        "parse": parse or type(default),
        "metavar": metavar or METAVARS.get(type(default), "TEXT"),
        "test": test,
        "only": only,
        REQUIRED: required,
    }
    return dataclasses.field(default=default, metadata=metadata)


def override(default: Any, **changes: Any) -> Any:
    """Sets another default (and help, choices ...) for a flag that a base class declares."""
    return dataclasses.field(default=default, metadata={"override": True, "test": SAME, **changes})


def flags_of(group: type) -> dict[str, dict[str, Any]]:
    """Collects flag name -> metadata (with "default") of a group, redefinitions merged with what they redefine."""
    merged: dict[str, dict[str, Any]] = {}
    for cls in reversed(group.__mro__):
        for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
            if field.metadata.get("override") and field.name not in merged:
                raise TypeError(f"{cls.__name__}.{field.name} overrides a flag that does not exist")
            merged[field.name] = {
                **merged.get(field.name, {}),
                **field.metadata,
                "default": field.default,
            }
    return merged


def defaults_of(groups: Iterable[type], is_train: bool) -> dict[str, Any]:
    """Collects flag name -> default in this phase; groups may prefer other defaults for flags of other groups."""
    defaults: dict[str, Any] = {}
    for group in groups:
        for name, meta in flags_of(group).items():
            use_test = not is_train and meta["test"] is not SAME
            defaults[name] = meta["test"] if use_test else meta["default"]
    for group in groups:
        defaults.update(getattr(group, "flag_defaults", {}))
    return defaults


def add_flags(
    parser: argparse.ArgumentParser,
    groups: Iterable[type],
    defaults: dict[str, Any],
    phase: str,
    complete: bool,
) -> None:
    """Adds every flag of the groups that exists in the phase ("train" or "test").

    complete: whether required flags are missed.
    """
    for group in groups:
        section = parser.add_argument_group(group.__name__.removesuffix("Options").lower())
        for name, meta in flags_of(group).items():
            if meta["only"] in ("", phase):
                _add_flag(section, name, meta, defaults[name], complete)
    for old, new in BY_MODEL.items():
        if new in defaults and old not in defaults and phase == "train":
            parse = type(defaults[new])
            parser.add_argument(
                f"--{old}", dest=new, type=parse, default=argparse.SUPPRESS, help=argparse.SUPPRESS
            )


def _add_flag(
    section: argparse._ArgumentGroup, name: str, meta: dict[str, Any], default: Any, complete: bool
) -> None:
    if isinstance(meta["default"], bool):
        section.add_argument(
            f"--{name}",
            type=yes_or_no,
            nargs="?",
            const=True,
            default=default,
            metavar="BOOL",
            help=meta["help"].replace("%", "%%"),
        )
        opposite = name.removeprefix("no_") if name.startswith("no_") else f"no_{name}"
        # Every switch can be switched back: a saved or model default may have turned it on.
        section.add_argument(
            f"--{opposite}", action="store_false", dest=name, help=argparse.SUPPRESS
        )
        return
    section.add_argument(
        f"--{name}",
        type=meta["parse"],
        choices=meta["choices"],
        default=default,
        required=complete and meta[REQUIRED] and not default,
        metavar=None if meta["choices"] else meta["metavar"],
        help=meta["help"].replace("%", "%%") + (" (default: %(default)s)" if default != "" else ""),
    )


def build(group: type, values: dict[str, Any]) -> Any:
    """Makes the group with the values that are its flags; the rest keep their defaults."""
    names = [field.name for field in dataclasses.fields(group)]
    return group(**{name: values[name] for name in names if name in values})


def flat(phase: str, *groups: Any) -> dict[str, Any]:
    """Collects flag name -> value over several groups, for the flags that exist in the phase."""
    return {
        name: getattr(group, name)
        for group in groups
        for name, meta in flags_of(type(group)).items()
        if meta["only"] in ("", phase)
    }


def changes(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Collects flag name -> value and default, of those where these differ; sorted."""
    return {
        name: (value, defaults[name])
        for name, value in sorted(values.items())
        if name in defaults and value != defaults[name]
    }


def table(values: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Lists flags as the original code does: sorted names, and the default where the value differs from it."""
    differing = changes(values, defaults)
    lines = ["----------------- Options ---------------"]
    for name, value in sorted(values.items()):
        note = f"\t[default: {differing[name][1]}]" if name in differing else ""
        lines.append(f"{name:>25}: {value!s:<30}{note}")
    lines.append("----------------- End -------------------")
    return "\n".join(lines)
