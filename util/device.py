"""The device a run uses, and what a run costs on it: waiting, memory, time."""

from __future__ import annotations

import os
import sys

import torch

from options.wording import count
from util import distributed
from util.errors import InputError


def select_device(gpu_ids: str) -> torch.device:
    """Chooses the device for --gpu_ids: -1 is the CPU; otherwise that GPU, or the best of a machine without CUDA.

    Raises: InputError when there are GPUs, but not that one.
    """
    if gpu_ids == "-1":
        return torch.device("cpu")
    if torch.cuda.is_available():
        index = _own(gpu_ids)
        if index >= torch.cuda.device_count():
            raise InputError(
                f"--gpu_ids {gpu_ids}: this machine has {count(torch.cuda.device_count(), 'GPU')}, numbered from 0"
            )
        torch.cuda.set_device(index)
        return torch.device("cuda", index)
    if torch.backends.mps.is_available() and not distributed.is_active():  # gloo cannot use it
        return torch.device("mps")
    return torch.device("cpu")


def device_of(name: str | torch.device) -> torch.device:
    """Returns the device of that name, such as "cpu" or "cuda:1"; "auto" is the best there is.

    Raises: InputError when PyTorch cannot use it here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {str(name)!r} cannot be used here: {reason}") from None
    return device


def _own(gpu_ids: str) -> int:
    """Returns the number of this process's GPU."""
    numbers = [int(number) for number in gpu_ids.split(",")]
    here = distributed.local_world_size()
    if len(numbers) == here:
        return numbers[distributed.local_rank()]
    if numbers == [0]:  # the default
        return distributed.local_rank()
    raise InputError(
        f"--gpu_ids {gpu_ids} names {count(len(numbers), 'GPU')} for {count(here, 'process', 'processes')} on this machine: give one for each, "
        "or leave the flag out for the first ones"
    )


def make_deterministic() -> None:
    """Makes PyTorch use only algorithms that give the same bits every time.

    Without this, some gradients on a GPU are sums in an order that varies. Call it before the GPU is used.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is repeatable only so
    torch.use_deterministic_algorithms(True)


def describe(device: torch.device, gpu_ids: str) -> str:
    """Words which device was chosen, and why if it is not the one that was asked for."""
    if device.type == "cuda":
        text = f"device: {device} ({torch.cuda.get_device_name(device)})"
    elif device.type == "mps":
        text = "device: mps (Apple GPU)"
    else:
        text = f"device: cpu ({count(torch.get_num_threads(), 'thread')})"
        if gpu_ids != "-1":
            text += "; no GPU found"
    return text


def wait_for(device: torch.device) -> None:
    """Waits until the device has finished all work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory(device: torch.device) -> str:
    """Words the most memory used: on a GPU by PyTorch, otherwise by this process."""
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
    """Words a duration: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
