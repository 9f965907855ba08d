"""Exchange between the processes of a group; for a single process all of it is trivial."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from util.errors import InputError, SharedError

T = TypeVar("T")


def is_active() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    return dist.get_rank() if is_active() else 0


def world_size() -> int:
    return dist.get_world_size() if is_active() else 1


def local_rank() -> int:
    """Returns the number of this process among those on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_world_size() -> int:
    """Returns the number of processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def is_main() -> bool:
    """Tells whether this is the first process, which writes files and prints."""
    return rank() == 0


def synchronized(network: nn.Module) -> nn.Module:
    """Wraps a network so that its backward averages gradients over processes; a single process gets the network itself.

    Buffers are not broadcast: batch norm keeps statistics per process, and a second forward of D in
    the same step would otherwise overwrite what the first one's backward needs.
    """
    if not is_active():
        return network
    known = inspect.signature(DistributedDataParallel).parameters
    if "forward_sync_buffers" in known:  # the name from PyTorch 2.15 on
        return DistributedDataParallel(network, forward_sync_buffers=False)
    return DistributedDataParallel(network, broadcast_buffers=False)


def mean(values: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Averages scalars over processes; waits for the device."""
    if not values:
        return {}
    # One wait for the device; Apple GPUs have no float64.
    stacked = torch.stack([value.detach() for value in values.values()]).cpu().double()
    if is_active():
        dist.all_reduce(stacked)
        stacked /= world_size()
    return dict(zip(values, stacked.tolist(), strict=True))


def least(values: torch.Tensor) -> torch.Tensor:
    """Takes the least of every element over all processes, on the CPU."""
    values = values.cpu()
    if is_active():
        values = values.clone()
        dist.all_reduce(values, op=dist.ReduceOp.MIN)
    return values


def gather_numbers(*values: int) -> list[tuple[int, ...]]:
    """Gives every process the numbers of all; faster than `gather`."""
    if not is_active():
        return [values]
    own = torch.tensor(values)
    everyone = [torch.empty_like(own) for _ in range(world_size())]
    dist.all_gather(everyone, own)
    return [tuple(numbers.tolist()) for numbers in everyone]


def gather(value: T) -> list[T]:
    """Gives every process the values of all."""
    if not is_active():
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def gather_at_main(value: T) -> list[T]:
    """Gives the first process the values of all, and the others []."""
    if not is_active():
        return [value]
    values: list[Any] = [None] * world_size() if is_main() else []
    dist.gather_object(value, values if is_main() else None)
    return values


def from_main(function: Callable[[], T]) -> T:
    """Calls the function in the first process only, and gives its result to all.

    If it fails there, the others end too, without a message of their own.
    """
    if not is_active():
        return function()
    outcome: list[Any] = [None, None]  # what it returns, and the exit status where it fails
    failure = None
    if is_main():
        try:
            outcome[0] = function()
        except BaseException as error:
            failure, outcome[1] = error, _status(error)
    dist.broadcast_object_list(outcome)
    if failure is not None:
        raise failure
    if outcome[1] is not None:
        raise SystemExit(outcome[1])
    return outcome[0]


def _status(error: BaseException) -> int:
    """Returns the exit status that an error ends a process with."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 1


@contextmanager
def together() -> Iterator[None]:
    """Lets all processes pass a block or none; they must not exchange anything in it.

    Raises: SharedError with what any of them raised as InputError.
    """
    if not is_active():
        yield
        return
    failure = ""
    try:
        yield
    except InputError as error:
        failure = str(error)
    failures = gather(failure)
    if not any(failures):
        return
    told = [f"process {number}: {text}" for number, text in enumerate(failures) if text]
    raise SharedError(failure if len(set(failures)) == 1 else "\n".join(told))


def check_alike(what: str, *, count: int, content: str) -> None:
    """Raises: SharedError unless all processes have the same count and content."""
    digest = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()
    found = gather((count, digest))
    if len(set(found)) > 1:
        counts = ", ".join(f"{number} in process {r}" for r, (number, _) in enumerate(found))
        raise SharedError(
            f"{what} are not the same for all processes ({counts}): all machines need the same files"
        )
