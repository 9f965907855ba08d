"""What training costs on this machine: waiting for the device, memory, durations in words."""

from __future__ import annotations

import sys

import torch


def wait_for(device: torch.device) -> None:
    """Returns when all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory(device: torch.device) -> str:
    """One line; on a GPU what PyTorch allocated there, otherwise all of this process."""
    if device.type == "cuda":
        return f"peak GPU memory: {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB"
    try:
        import resource
    except ImportError:  # Windows
        return "peak memory: not known on this system"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return f"peak memory: {peak * unit / 2**30:.1f} GiB, loader processes not counted"


def duration(seconds: float) -> str:
    """In the unit in which one would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
