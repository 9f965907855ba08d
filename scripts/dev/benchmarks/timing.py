"""Timing in turn, so that a machine that slows down slows all down."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from util.device import wait_for

Row = dict[str, str]


def alternating(
    calls: dict[str, Callable[[], object]], device: torch.device, repeats: int, warm_up: int = 1
) -> dict[str, float]:
    """Median seconds of each call, taken in turn, after rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(warm_up + repeats):
        for name, call in calls.items():
            times[name].append(seconds(call, device))
    return {name: statistics.median(taken[warm_up:]) for name, taken in times.items()}


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """How long the device takes; on a GPU by its own clock."""
    wait_for(device)
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3
    started = time.perf_counter()
    call()
    wait_for(device)
    return time.perf_counter() - started


def matrix_product_rate(device: torch.device) -> float:
    """TFLOP/s of a large matrix product: what this device can do at most, float32 on a CPU, bfloat16 on a GPU."""
    on_gpu = device.type != "cpu"
    side, kind = (8192, torch.bfloat16) if on_gpu else (1536, torch.float32)
    matrix = torch.rand(side, side, device=device, dtype=kind)
    taken = alternating({"": lambda: matrix @ matrix}, device, 5)[""]
    return 2 * side**3 / 1e12 / taken


def copy_rate(device: torch.device) -> float:
    """TB/s of a large copy, counting bytes read and bytes written: what this device's memory can do at most."""
    size = 2**30 if device.type != "cpu" else 2**27
    source = torch.randint(256, (size,), device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    taken = alternating({"": lambda: target.copy_(source)}, device, 5)[""]
    return 2 * size / 1e12 / taken
