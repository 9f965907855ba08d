"""Memory that Python and PyTorch have freed, and the C library keeps."""

from __future__ import annotations

import ctypes
import sys


def return_free_memory() -> None:
    """Gives freed memory back to the system, where the C library is glibc; elsewhere it does nothing.

    glibc keeps ever larger blocks for itself once such have been freed, and a process that computes one part after the
    other grows by hundreds of megabytes.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)
