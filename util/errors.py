"""Errors that the user can mend."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from util.terminal import emphasised

SMALLER = "--batch_size, --crop_size or --ngf"


class InputError(ValueError):
    """Something the user gave does not work; the message says what, what was found, and what to do."""


class SharedError(InputError):
    """One that all processes of a group raise alike: the first one tells it."""


def check_command_line(parse: Callable[[Sequence[str]], object]) -> None:
    """Answers --help and mistakes on the command line, before the caller imports what takes seconds.

    Under torchrun the first process parses for all of them, once they have met.
    """
    if "WORLD_SIZE" not in os.environ:
        parse(sys.argv[1:])


def run_command(main: Callable[[Sequence[str]], int]) -> None:
    """Runs a script's main with the command line; InputError becomes one message and status 1."""
    for stream in (sys.stdout, sys.stderr):  # file names may hold what the console cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main(sys.argv[1:])
    except InputError as error:
        _tell(error)
        status = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # the reader of our output went away, as with `| head`
        sys.stderr.close()
        status = 141
    sys.exit(status)


def _tell(error: InputError) -> None:
    rank, alone = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1") == "1"
    if alone or (isinstance(error, SharedError) and rank == "0"):
        print(emphasised(f"error: {error}", sys.stderr), file=sys.stderr)
    elif not isinstance(error, SharedError):
        print(f"error in process {rank}: {error}", file=sys.stderr)


@contextmanager
def explain_out_of_memory(smaller: str = SMALLER) -> Iterator[None]:
    """Turns exhausted memory into an InputError that advises to lower `smaller`."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if any(words in text for words in ("out of memory", "not enough memory", "can't allocate")):
            raise InputError(f"out of memory ({text.splitlines()[0]}): lower {smaller}") from None
        raise
