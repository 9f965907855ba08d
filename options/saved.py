"""Files of flags: a run's options.json, one written by hand, and the original code's train_opt.txt."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from options.legacy import modernise_saved

OPTIONS_FILE = "options.json"
REMEDY = "restore it, or delete it and give the run's flags again"
BY_HAND = 'by hand it is written as {"batch_size": 4, "lr": 0.0001}'
# Bytes; a run's own file has 4,000.
LARGEST = 1 << 20
# A line of train_opt.txt: "    batch_size: 4         \t[default: 1]".
LISTED = re.compile(r"\s*(\w+): (.*?)\s*(?:\[default: .*\])?")


class Text(str):
    """A value as it was printed, to be understood as if it had been typed."""


class FlagsFile(NamedTuple):
    """What a file of --options holds.

    of_a_run: whether a training wrote it, so that not all of its flags are meant for this command.
    """

    flags: dict[str, Any]
    of_a_run: bool


def read_options(path: Path) -> dict[str, Any]:
    """Reads the flags in a run's options.json.

    Raises: ValueError that names the file, when it cannot be read or is not one.
    """
    content = _json(path, read_text(path), REMEDY)
    if not isinstance(content, dict) or not isinstance(content.get("flags"), dict):
        raise ValueError(f"{path} is not an options file: it has no 'flags'; {REMEDY}")
    return _with_infinity(content["flags"])


def read_flags(path: Path) -> FlagsFile:
    """Reads a file of --options. Raises: ValueError that names the file, when it cannot be read or holds no flags."""
    text = read_text(path)
    if "----- Options -----" in text:
        lines = (LISTED.fullmatch(line) for line in text.splitlines())
        flags = {match[1]: match[2] for match in lines if match}
        modern = modernise_saved(flags)
        return FlagsFile({name: Text(value) for name, value in modern.items()}, of_a_run=True)
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(f"{path} is YAML, and JSON is read: {BY_HAND}")
    content = _json(path, text, BY_HAND)
    named = content.get("flags", content) if isinstance(content, dict) else None
    if not isinstance(named, dict) or not named:
        raise ValueError(f"{path} is not an options file: it names no flags; {BY_HAND}")
    return FlagsFile(_with_infinity(named), of_a_run="isTrain" in named)


def read_text(path: Path) -> str:
    """Reads a small file as UTF-8; what is none becomes U+FFFD.

    Raises: ValueError that names it, for what is no file or too large: a device may have no end.
    """
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError(f"cannot read {path}: it is a pipe or device, not a file")
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ValueError(f"{path} is no file of flags: it is larger than 1 MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: it is no UTF-8 ({error.reason})") from None


def dump_options(values: dict[str, Any]) -> str:
    """Makes the text that `read_options` reads; infinity becomes "inf", which JSON lacks."""
    flags = {name: "inf" if value == float("inf") else value for name, value in values.items()}
    return json.dumps({"flags": flags}, indent=2, sort_keys=True) + "\n"


def _json(path: Path, text: str, remedy: str) -> Any:
    twice: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        twice.extend(name for name, count in counts.items() if count > 1)
        return dict(pairs)

    try:
        content = json.loads(text, object_pairs_hook=collect)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); {remedy}") from None
    if twice:
        raise ValueError(f"{path} gives {twice[0]!r} more than once: leave one of them")
    return content


def _with_infinity(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: float("inf") if value == "inf" else value for name, value in flags.items()}
