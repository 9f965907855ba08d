"""What a device does during a step: its kernels by kind, and how long it does nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Kind -> a part of the names of its kernels, and on a CPU of its operations; the first that fits counts.
KINDS = {
    "convolution, weight gradient": r"wgrad|convolve_common_engine_float_NHWC.*wgrad",
    "convolution, input gradient": r"dgrad|stridedB",
    "convolution, forward": r"fprop|implicit_?conv|conv.*kernel|cudnn.*conv|_convolution|convolution_backward",
    "convolution, layout": r"nchwToNhwc|nhwcToNchw|AddPadding|cudnn.*(pad|transform|scalePacked)|kernel_tensor",
    "matrix product": r"gemm|cutlass|nvjet|cublas|splitK|aten::(mm|addmm|bmm)",
    "fused norm": r"^(channel_sums|normalize|gradient_sums|normalize_backward)",
    "rows of images": r"fold_rows",
    "compiled": r"^triton_",
    "norm": r"batch_?norm|bn_(fw|bw)|BatchNorm|welford|instance_norm",
    "mirrored border": r"reflection_pad",
    "Adam": r"adam",
    "cast": r"LoadWithCast|bfloat16_copy|float16_copy|tofloat32|_to_copy",
    "copy, fill, cat": r"copy|memcpy|memset|fill|cat|Memcpy|Memset",
    "sum": r"reduce|sum",
    "elementwise": r"elementwise|vectorized|add|mul|relu|tanh",
}


class Kernel(NamedTuple):
    """One run of a kernel, in microseconds."""

    name: str
    start: float
    end: float


def kernels(call: Callable[[], object], device: torch.device) -> list[Kernel]:
    """All kernels of a call; on a CPU all operations that have no smaller ones inside."""
    on_gpu = device.type == "cuda"
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        call()
        if on_gpu:
            torch.cuda.synchronize(device)
    wanted = DeviceType.CUDA if on_gpu else DeviceType.CPU
    found = [
        Kernel(event.name, event.time_range.start, event.time_range.end)
        for event in profiler.events()
        if event.device_type == wanted and not event.cpu_children
    ]
    return sorted(found, key=lambda kernel: kernel.start)


def kind_of(name: str) -> str:
    return next((kind for kind, words in KINDS.items() if re.search(words, name, re.I)), "other")


class Share(NamedTuple):
    """Of kernels of a kind, in a step: how many, and milliseconds."""

    kind: str
    count: float
    milliseconds: float


def by_kind(found: Sequence[Kernel], steps: int) -> list[Share]:
    """The longest first; at the end "idle", between the first and the last kernel."""
    taken: dict[str, list[float]] = defaultdict(list)
    for kernel in found:
        taken[kind_of(kernel.name)].append(kernel.end - kernel.start)
    rows = [
        Share(kind, len(times) / steps, sum(times) / steps / 1e3) for kind, times in taken.items()
    ]
    rows.sort(key=lambda row: -row.milliseconds)
    return [*rows, Share("idle", 0, idle(found) / steps / 1e3)]


def idle(found: Sequence[Kernel]) -> float:
    """Microseconds in which no kernel runs, between the first and the last."""
    total, until = 0.0, found[0].start
    for kernel in found:
        total += max(0.0, kernel.start - until)
        until = max(until, kernel.end)
    return total


def longest(found: Sequence[Kernel], steps: int, count: int) -> list[Share]:
    """The kernels, by name, that take the most time."""
    taken: dict[str, list[float]] = defaultdict(list)
    for kernel in found:
        taken[kernel.name].append(kernel.end - kernel.start)
    rows = [
        Share(name, len(times) / steps, sum(times) / steps / 1e3) for name, times in taken.items()
    ]
    return sorted(rows, key=lambda row: -row.milliseconds)[:count]


class LeastTraffic(TorchDispatchMode):
    """Counts bytes that convolutions and Adam have to read and write: all else could be fused with them."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if re.search("convolution|adam", str(function)):
            tensors = [x for x in tree_leaves((args, kwargs, result)) if torch.is_tensor(x)]
            moved = sum(x.numel() * x.element_size() for x in tensors)
            # Adam reads weight, gradient and two moments, and writes all but the gradient.
            self.bytes += moved * 7 // 4 if "adam" in str(function) else moved
        return result
