"""Weight and colour where a person reads along; plain lines in files, pipes and notebooks."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

CODES = {"bold": "1", "dim": "2", "note": "33", "warning": "1;33", "error": "1;31"}
STYLES = {  # of lines that begin like this
    "note:": "note",
    "warning:": "warning",
    "hint:": "warning",
    "error:": "error",
    "saving ": "dim",
    "measured in ": "dim",
}
INDENT = 11  # where the second column of `columns` begins


def printable(text: str) -> str:
    """Text from a file with its control characters written out, so that a terminal does not obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def can_colour(stream: TextIO) -> bool:
    """Whether it is a terminal that takes colours, and the user has not asked for none (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    return (
        sys.platform != "win32" or "WT_SESSION" in os.environ
    )  # the older console shows the codes


def styled(text: str, style: str, stream: TextIO) -> str:
    """The text in a style of CODES, if the stream can show it."""
    return f"\033[{CODES[style]}m{text}\033[0m" if text and can_colour(stream) else text


def emphasised(text: str, stream: TextIO) -> str:
    """Text for a line, or a few, whose first one stands out or steps back by what it begins with."""
    style = next((style for start, style in STYLES.items() if text.startswith(start)), "")
    first, end, rest = text.partition("\n")
    return f"{styled(first, style, stream)}{end}{rest}" if style else text


def columns(rows: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """Lines of labels and what they label; rows without a label go on with the one above."""
    return [styled(f"{label:<{INDENT}}", "bold", stream) + text for label, text in rows]


def changes(flags: Mapping[str, tuple[Any, Any]], stream: TextIO) -> str:
    """Lines of flags with their values, and what these are by default."""
    width = max(map(len, flags), default=0)
    return "\n".join(
        f"  {name:<{width}}  {value}"
        + styled(f"  (default {default})" if default != "" else "", "dim", stream)
        for name, (value, default) in flags.items()
    )


class NoteHandler(logging.Handler):
    """Log records as lines `note: ...`, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = emphasised(f"note: {self.format(record)}", sys.stderr)
            if sys.stderr.isatty():
                from tqdm import tqdm

                tqdm.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


def show_notes() -> None:
    """From here on what is logged as a warning is shown to the user."""
    logging.basicConfig(format="%(message)s", handlers=[NoteHandler()])
