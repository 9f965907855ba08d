"""What a process needs to know of the others when torchrun starts several."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def process_group(gpu_ids: str) -> Iterator[None]:
    """Joins the group that torchrun announces in the environment; without torchrun does nothing.

    Processes talk by nccl, or by gloo where they compute on the CPU (gpu_ids -1, or no GPU).
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    on_gpus = torch.cuda.is_available() and dist.is_nccl_available() and gpu_ids != "-1"
    dist.init_process_group("nccl" if on_gpus else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def is_active() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    return dist.get_rank() if is_active() else 0


def world_size() -> int:
    return dist.get_world_size() if is_active() else 1


def local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main() -> bool:
    """Whether this process writes files and talks to people."""
    return rank() == 0


def synchronized(network: nn.Module) -> nn.Module:
    """The callable whose backward averages gradients over processes; the network itself if alone.

    Buffers are not broadcast: batch norm keeps statistics per process, and a second forward of D in
    the same step would otherwise overwrite what the first one's backward needs.
    """
    if not is_active():
        return network
    known = inspect.signature(DistributedDataParallel).parameters
    if "forward_sync_buffers" in known:  # the name from PyTorch 2.15 on
        return DistributedDataParallel(network, forward_sync_buffers=False)
    return DistributedDataParallel(network, broadcast_buffers=False)


def mean(values: dict[str, torch.Tensor]) -> dict[str, float]:
    """Scalars averaged over processes; waits for the device."""
    if not values:
        return {}
    # One wait for the device; Apple GPUs have no float64.
    stacked = torch.stack([value.detach() for value in values.values()]).cpu().double()
    if is_active():
        if dist.get_backend() == "nccl":
            stacked = stacked.cuda()
        dist.all_reduce(stacked)
        stacked /= world_size()
    return dict(zip(values, stacked.tolist(), strict=True))


def least(values: torch.Tensor) -> torch.Tensor:
    """The least of every element over all processes."""
    if not is_active():
        return values
    values = values.clone()
    dist.all_reduce(values, op=dist.ReduceOp.MIN)
    return values
