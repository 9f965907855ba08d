"""The life of a group of processes: meeting, ending together, restarts by torchrun, and starting one."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

import torch
import torch.distributed as dist

from options.wording import count
from util.errors import InputError

TIMEOUT = timedelta(minutes=10)  # without an answer, after which a process is taken for lost
ASK_AGAIN = timedelta(seconds=0.5)


@contextmanager
def process_group(timeout: timedelta | None = None) -> Iterator[None]:
    """Joins the group that torchrun announces in the environment; without torchrun does nothing.

    Tensors on GPUs travel by nccl, all others by gloo.
    Raises: InputError when another process ends, or has not answered for `timeout` (`TIMEOUT` if None).
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    on_gpus = torch.cuda.is_available() and dist.is_nccl_available()
    timeout = timeout or TIMEOUT
    try:
        store, rank, world_size = next(iter(dist.rendezvous("env://", timeout=timeout)))
        store.set_timeout(timeout)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if on_gpus else "gloo",
            store=meeting_place(store, rank, world_size, timeout),
            rank=rank,
            world_size=world_size,
            timeout=timeout,
        )
        if rank:  # notes come alike from all; what befalls a process's own loaders does not
            logging.getLogger().setLevel(logging.ERROR)
            logging.getLogger("data.loading.loader").setLevel(logging.WARNING)
        job()  # asks who started this process while that one lives
        yield
    except RuntimeError as error:
        if not _lost(error):
            raise
        # Without destroying the group, which might wait for those that are gone.
        raise InputError(
            f"another process of this group has ended or not answered for {timeout.total_seconds():.0f} "
            f"seconds; its own message, if it could give one, says why ({str(error).splitlines()[0][:200]})"
        ) from None
    else:  # after any other error the others find this one gone
        dist.destroy_process_group()


def _lost(error: RuntimeError) -> bool:
    """Tells whether an error means that the other processes cannot be reached."""
    text = str(error)
    if isinstance(error, dist.DistBackendError):  # nccl's, many of which are about this machine
        return "ncclRemoteError" in text or "timeout" in text.lower()
    return isinstance(error, (dist.DistNetworkError, dist.DistStoreError)) or "gloo" in text


def meeting_place(store: dist.Store, rank: int, world_size: int, timeout: timedelta) -> dist.Store:
    """Returns the part of a store that belongs to these very processes.

    torchrun's store outlives its processes: after a restart it still holds the addresses of the dead, and how
    often it has restarted is counted by each machine for itself. So every process calls itself by a new name, and
    the first one answers each name with a name for the group. An answer to a dead one is never acknowledged.
    """
    while isinstance(store, dist.PrefixStore):  # up to PyTorch 2.5 by that very count
        store = store.underlying_store
    store = dist.PrefixStore("meeting", store)
    if rank:
        name = uuid.uuid4().hex
        store.set(f"name/{rank}", name)
        group = store.get(f"group/{name}").decode()
        store.set(f"{group}/{rank}", "here")
        return dist.PrefixStore(group, store)
    group, until = uuid.uuid4().hex, time.monotonic() + timeout.total_seconds()
    for other in range(1, world_size):
        here = f"{group}/{other}"
        while not store.check([here]):
            if time.monotonic() > until:
                raise dist.DistStoreError(f"process {other} does not come")
            name = store.get(f"name/{other}").decode()
            store.set(f"group/{name}", group)
            _wait_a_little(store, here)
    return dist.PrefixStore(group, store)


def _wait_a_little(store: dist.Store, key: str) -> None:
    until = time.monotonic() + ASK_AGAIN.total_seconds()
    while not store.check([key]) and time.monotonic() < until:
        time.sleep(0.002)


@cache
def job() -> str:
    """Returns a name that is the same for all restarts by one torchrun, and no other; "" without torchrun.

    Without --rdzv-id, torchrun calls every job "none": there it is the process that started this one.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    if name != "none":
        return name
    return f"{socket.gethostname()} {_since(os.getppid())}"


def _since(process: int) -> str:
    """Words the number of a process and, where the system tells, when it started, since numbers are used again."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return str(process)
    return f"{process} {ticks} {boot}"


def wanted(gpu_ids: str) -> int:
    """Counts the processes to start for --gpu_ids: one for each GPU, without GPUs on the CPU; 1 where they run already.

    Raises: InputError when there are GPUs, but not all of these.
    """
    numbers = gpu_ids.split(",")
    if len(numbers) == 1 or "WORLD_SIZE" in os.environ or torch.backends.mps.is_available():
        return 1
    if torch.cuda.is_available():
        there = torch.cuda.device_count()
        missing = [number for number in numbers if int(number) >= there]
        if missing:
            raise InputError(
                f"--gpu_ids {gpu_ids}: this machine has {count(there, 'GPU')}, numbered from 0"
            )
    return len(numbers)


def start_several(script: str, argv: Sequence[str], count: int) -> int:
    """Runs a script with its command line in several processes on this machine; returns the exit status."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    threads = max(1, (os.cpu_count() or 1) // count)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torchrun would say 1
    try:
        torchrun(["--standalone", f"--nproc_per_node={count}", script, *argv])
    except ChildFailedError as error:
        status = error.get_first_failure()[1].exitcode
        return status if status > 0 else 128 - status
    except SignalException as stopped:
        print(f"stopped by {stopped.sigval.name}", file=sys.stderr)
        return 128 + stopped.sigval
    return 0
