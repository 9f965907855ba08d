"""Failures of the machine, told as what the user can do about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from util.errors import InputError

SMALLER = "--batch_size, --crop_size or --ngf"


@contextmanager
def explained(smaller: str = SMALLER) -> Iterator[None]:
    """Turns exhausted memory into an InputError that advises to lower `smaller`."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if any(words in text for words in ("out of memory", "not enough memory", "can't allocate")):
            raise InputError(f"out of memory ({text.splitlines()[0]}): lower {smaller}") from None
        raise
