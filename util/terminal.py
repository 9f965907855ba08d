"""Weight and colour where a person reads along; plain lines in files, pipes and notebooks."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from options.wording import printable

CODES = {"bold": "1", "dim": "2", "note": "33", "warning": "1;33", "error": "1;31"}
STYLES = {  # of lines that begin like this
    "note:": "note",
    "warning:": "warning",
    "hint:": "warning",
    "error:": "error",
    "saving ": "dim",
    "validated in ": "dim",
}
# Where the second column of `columns` begins.
INDENT = 11
# What writing to a reader that has gone away gives: a pipe, a terminal, a pipe on Windows.
GONE = (errno.EPIPE, errno.EIO, errno.EINVAL)


class Output(io.TextIOWrapper):
    """Standard output or error that may be closed or full: it drops what cannot be written, and the command goes on.

    failure: what was in the way last.
    replaced: the stream whose buffer it writes to, which would close it when nobody holds it any more.
    """

    failure: OSError | None = None
    replaced: TextIO | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        self.failure = error
        null = os.open(os.devnull, os.O_WRONLY)
        # Also for what is still in buffers, and for processes that inherit it.
        os.dup2(null, self.fileno())
        os.close(null)


def secure_output() -> None:
    """Makes standard output and error drop what they cannot write or show, instead of raising errors."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # It is closed: the next file that is opened would take its number, and what is printed.
            os.open(os.devnull, os.O_RDWR)
        stream = getattr(sys, name)
        if number and stream is None:
            binary = open(number, "wb", closefd=False)  # noqa: SIM115
            setattr(sys, name, Output(binary, "utf-8", "backslashreplace"))
        elif number and type(stream) is io.TextIOWrapper:
            stream.flush()
            output = Output(
                stream.buffer,
                stream.encoding,
                "backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            output.replaced = stream
            setattr(sys, name, output)


def lost_output() -> str:
    """Flushes standard output and error; returns why output was lost, "" if nobody misses it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    failure = getattr(sys.stdout, "failure", None)
    return "" if failure is None or failure.errno in GONE else str(failure.strerror)


def can_colour(stream: TextIO) -> bool:
    """Tells whether it is a terminal that takes colours, and the user has not asked for none (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    # The older console shows the codes.
    return sys.platform != "win32" or "WT_SESSION" in os.environ


def styled(text: str, style: str, stream: TextIO) -> str:
    """Sets the text in a style of CODES, if the stream can show it."""
    return f"\033[{CODES[style]}m{text}\033[0m" if text and can_colour(stream) else text


def emphasised(text: str, stream: TextIO) -> str:
    """Styles a message of one or more lines: how it begins decides whether it stands out or is dimmed."""
    style = next((style for start, style in STYLES.items() if text.startswith(start)), "")
    first, end, rest = text.partition("\n")
    return f"{styled(first, style, stream)}{end}{rest}" if style else text


def columns(rows: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """Makes lines of labels and what they label; rows without a label go on with the one above."""
    return [styled(f"{label:<{INDENT}}", "bold", stream) + text for label, text in rows]


def changes(flags: Mapping[str, tuple[Any, Any]], stream: TextIO) -> str:
    """Makes lines of flags with their values, and what these are by default."""
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
            line = emphasised(f"note: {printable(self.format(record))}", sys.stderr)
            if sys.stderr.isatty():
                from tqdm import tqdm

                tqdm.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


def show_notes() -> None:
    """Shows to the user what is logged as a warning from here on."""
    logging.basicConfig(format="%(message)s", handlers=[NoteHandler()])
