"""Errors that the user can mend."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from options.dataset_options import DATASETS
from options.wording import did_you_mean, printable
from util.terminal import emphasised, lost_output, secure_output

SMALLER = "--batch_size, --crop_size or --ngf"


class InputError(ValueError):
    """Something the user gave does not work; the message says what, what was found, and what to do."""


class SharedError(InputError):
    """One that all processes of a group raise alike: the first one tells it."""


def reason_of(error: BaseException) -> str:
    """Returns the first line of an error's text, or its kind where it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]


def check_command_line(parse: Callable[[Sequence[str]], object]) -> None:
    """Answers --help, mistakes on the command line and a --dataroot that is not there, before the caller imports what takes seconds.

    Under torchrun the first process parses for all of them, once they have met.
    """
    if "WORLD_SIZE" in os.environ:
        return
    secure_output()
    try:
        parsed = parse(sys.argv[1:])
    except SystemExit as end:
        _exit(end.code)
    if data := getattr(parsed, "data", None):
        try:
            _check_dataroot(data)
        except InputError as error:
            _tell(error)
            _exit(1)


def _check_dataroot(data: Any) -> None:
    """Raises: InputError when there is nothing at --dataroot. A data set of the user's own may not need it."""
    root = Path(data.dataroot)
    # os.path: False also for names that are too long
    if data.dataset_mode not in DATASETS or os.path.exists(root):
        return
    readable = os.path.isdir(root.parent) and os.access(root.parent, os.R_OK)
    siblings = root.parent.iterdir() if readable else ()
    meant = did_you_mean(root.name, (entry.name for entry in siblings if entry.is_dir()))
    raise InputError(f"there is no folder {root}{meant}: check --dataroot")


def run_command(main: Callable[[Sequence[str]], int]) -> None:
    """Runs a script's main with the command line; InputError becomes one message and status 1.

    Output that is closed, or whose reader goes away, costs nothing; a full disk is an error at the end.
    """
    secure_output()
    status: str | int | None
    try:
        status = main(sys.argv[1:])
    except InputError as error:
        _tell(error)
        status = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 130
    except SystemExit as end:
        status = end.code
    _exit(status)


def _exit(status: str | int | None) -> NoReturn:
    if lost := lost_output():
        print(f"error: standard output could not be written: {lost}", file=sys.stderr)
        status = status or 1
    sys.exit(status)


def _tell(error: InputError) -> None:
    rank, alone = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1") == "1"
    if alone or (isinstance(error, SharedError) and rank == "0"):
        print(emphasised(f"error: {printable(str(error))}", sys.stderr), file=sys.stderr)
    elif not isinstance(error, SharedError):
        print(f"error in process {rank}: {printable(str(error))}", file=sys.stderr)


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
