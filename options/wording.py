"""Words for messages: proposals for what was mistyped, and text that no terminal takes for a command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns " (did you mean ...?)" with the known name that is nearest, or "" if none is near."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def count(number: int, noun: str, plural: str = "") -> str:
    """Returns "1 image" or "2 images"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def printable(text: str) -> str:
    """Escapes what is no letter, such as a terminal's commands in a name that came out of a file."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
