"""What several processes cost here, and what they should bring elsewhere."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
import torch.distributed as dist

from scripts.dev.benchmarks.steps import build, default_step
from scripts.dev.benchmarks.timing import Row, alternating
from util.distributed.launch import process_group
from util.errors import InputError

OVERLAP = 0.5  # share of a step in which gradients can travel while others are still computed


@dataclass(frozen=True)
class Network:
    """What ties processes together: how many, bytes per second to each, seconds for a message."""

    name: str
    processes: int
    bandwidth: float
    latency: float


NETWORKS = (
    Network("8, NVLink (400 GB/s)", 8, 400e9, 10e-6),
    Network("8, PCIe (12 GB/s)", 8, 12e9, 20e-6),
    Network("64, InfiniBand (50 GB/s a GPU)", 64, 50e9, 20e-6),
    Network("1024, InfiniBand (50 GB/s a GPU)", 1024, 50e9, 20e-6),
    Network("16, 25 Gbit/s Ethernet", 16, 3e9, 50e-6),
)


def exchange_seconds(gradient_bytes: float, network: Network) -> float:
    """A sum over all processes: each sends and receives everything almost twice, in about 2 log2(n) messages.

    The volume is the least possible (Patarasuk and Yuan 2009); trees need so few messages, rings n times as many.
    """
    n = network.processes
    return 2 * (n - 1) / n * gradient_bytes / network.bandwidth + 2 * math.log2(n) * network.latency


def efficiency(step_seconds: float, gradient_bytes: float, network: Network) -> float:
    """Images per second of n processes, relative to n times those of one with the same batch each."""
    exposed = exchange_seconds(gradient_bytes, network) - OVERLAP * step_seconds
    return step_seconds / (step_seconds + max(0.0, exposed))


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """A step in one process; as the only one of a group; and by two that share the batch."""
    if options.batch_size % 2:
        raise InputError(
            f"--batch_size {options.batch_size} cannot be shared by two: give 2 or more"
        )
    threads = torch.get_num_threads()
    calls = {"alone": default_step(name, device, options)}
    calls["alone"]()  # takes its networks as they are, before there is a group
    pair = Pair(name, device, options, threads)
    with process_group_of_one():
        calls["group of one"] = default_step(name, device, options)
        if pair.possible:
            calls["two"] = pair.step
        times = alternating(calls, device, options.repeats)
    pair.close()
    gradients = sum(p.numel() for p in build(name, device, options).parameters()) * 4
    row = {
        "model": f"{name}, {options.size}, width {options.ngf}",
        "images a step": f"{options.batch_size}",
        "alone, ms": f"{times['alone'] * 1e3:.4g}",
        "in a group of one, ms": f"{times['group of one'] * 1e3:.4g}",
        "two processes, ms": f"{times['two'] * 1e3:.4g}" if pair.possible else "-",
        "ratio of alone": f"{times['two'] / times['alone']:.2f}" if pair.possible else "-",
        "gradients, MB": f"{gradients / 1e6:.0f}",
    }
    for network in NETWORKS if device.type == "cuda" else ():
        row[f"expected: {network.name}"] = f"{efficiency(times['alone'], gradients, network):.0%}"
    return row


class process_group_of_one:
    """What a process does differently when it has to talk to others, without any."""

    def __enter__(self) -> None:
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)

    def __exit__(self, *error: object) -> None:
        dist.destroy_process_group()


class Pair:
    """Two processes that take a step together when asked; on a CPU each with half of the threads."""

    def __init__(
        self, name: str, device: torch.device, options: argparse.Namespace, threads: int
    ) -> None:
        self.possible = device.type == "cpu" or torch.cuda.device_count() > 1
        self.ends: list[Connection] = []
        context = multiprocessing.get_context("spawn")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for rank in range(2 if self.possible else 0):
            here, there = context.Pipe()
            arguments = (there, rank, port, name, device.type, options, max(1, threads // 2))
            context.Process(target=_take_steps, args=arguments, daemon=True).start()
            there.close()  # so that the end of that process is noticed
            self.ends.append(here)
        self._wait()

    def step(self) -> None:
        for end in self.ends:
            end.send("step")
        self._wait()

    def _wait(self) -> None:
        for end in self.ends:
            end.recv()

    def close(self) -> None:
        for end in self.ends:
            end.send("")


def _take_steps(
    end: Connection,
    rank: int,
    port: int,
    name: str,
    kind: str,
    options: argparse.Namespace,
    threads: int,
) -> None:
    os.environ.update(
        RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    torch.set_num_threads(threads)
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    with process_group():
        half = argparse.Namespace(**{**vars(options), "batch_size": options.batch_size // 2})
        step = default_step(name, device, half)
        end.send("ready")
        while end.recv():
            step()
            if kind == "cuda":
                torch.cuda.synchronize()
            end.send("done")
