"""Failures of the machine, told as what the user can do about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from util.errors import InputError

SMALLER = "--batch_size, --crop_size or --ngf"


@contextmanager
def explained() -> Iterator[None]:
    """Turns exhausted memory and dead loader processes into an InputError."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise InputError(f"out of GPU memory ({error}): lower {SMALLER}") from None
    except RuntimeError as error:
        text = str(error)
        if "DataLoader worker" in text:
            raise InputError(
                f"a loader process died, as when memory runs out ({text.splitlines()[0]}): lower --num_threads "
                f"or {SMALLER}; --continue_train goes on from the last save, if there is one"
            ) from None
        if "not enough memory" in text or "can't allocate memory" in text:
            raise InputError(f"out of memory ({text.splitlines()[0]}): lower {SMALLER}") from None
        raise
