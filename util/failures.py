"""Failures of the machine, told as what the user can do about them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from util.errors import InputError

SMALLER = "--batch_size, --crop_size or --ngf"


@contextmanager
def explained() -> Iterator[None]:
    """Turns exhausted memory and dead loader processes into an InputError."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if "DataLoader worker" in text:
            if hasattr(
                signal, "SIGCHLD"
            ):  # else torch complains again while the loader is torn down
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            raise InputError(
                f"a loader process died, as when memory runs out ({text.splitlines()[0]}): lower --num_threads "
                f"or {SMALLER}; --continue_train goes on from the last save, if there is one"
            ) from None
        if any(words in text for words in ("out of memory", "not enough memory", "can't allocate")):
            raise InputError(f"out of memory ({text.splitlines()[0]}): lower {SMALLER}") from None
        raise
