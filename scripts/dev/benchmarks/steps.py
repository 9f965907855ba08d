"""Training steps: the original code's arithmetic, one thing after the other, against ours."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from models import Adam, BaseModel, Execution, create_model
from models.engine.cuda_graphs import WARM_UP
from models.training.setup import prepare_model
from options.train_options import TrainOptions
from scripts.dev.benchmarks.plain_steps import PLAIN
from scripts.dev.benchmarks.timing import Row, alternating, matrix_product_rate

Call = Callable[[], object]
FASTCUT = "fastcut"  # --model cut --CUT_mode FastCUT
GPU_STEPS = (
    10  # timed together, so that Python may run ahead of the device, as it does in a training
)


def flags(name: str, options: argparse.Namespace) -> list[str]:
    """The command line of train.py that stands for what is measured."""
    model = "cut --CUT_mode FastCUT" if name == FASTCUT else name
    words = f"--dataroot - --model {model} --ngf {options.ngf} --ndf {options.ngf} "
    words += (
        f"--load_size {options.size} --crop_size {options.size} --precision {options.precision}"
    )
    words += f" --netG {options.netG}" if options.netG else ""
    switches = ("compile", "no_cuda_graphs")
    return [*words.split(), *(f"--{switch}" for switch in switches if getattr(options, switch))]


def told(name: str, options: argparse.Namespace) -> TrainOptions:
    return TrainOptions.parse(flags(name, options))


def build(name: str, device: torch.device, options: argparse.Namespace) -> BaseModel:
    """The model as train.py makes it."""
    return prepare_model(told(name, options), device)[0]


def plain_step(name: str, device: torch.device, options: argparse.Namespace) -> Call:
    model = create_model(told(name, options).model, adam=Adam(), execution=Execution(device))
    plain = PLAIN[name](model.to(memory_format=torch.contiguous_format))
    batch = images(device, options)
    return lambda: plain.step(batch)


def default_step(name: str, device: torch.device, options: argparse.Namespace) -> Call:
    model, batch = build(name, device, options), images(device, options)
    if options.contiguous:
        model.prepare(replace(model.execution, layout=torch.contiguous_format))
    return lambda: model.train_step(batch)


def images(device: torch.device, options: argparse.Namespace) -> dict[str, torch.Tensor]:
    shape = (options.batch_size, 3, options.size, options.size)
    return {side: torch.rand(shape, device=device) * 2 - 1 for side in "AB"} | {"A_paths": []}


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Time, arithmetic and, on a GPU, memory of a step."""
    torch.backends.cudnn.benchmark = True  # as in train.py, whose images have one size
    makers = {"plain": plain_step, "default": default_step}
    memory = {kind: peak_memory(make, name, device, options) for kind, make in makers.items()}
    steps = {kind: make(name, device, options) for kind, make in makers.items()}
    with FlopCounterMode(display=False) as counter:
        steps["plain"]()
    together = GPU_STEPS if device.type == "cuda" else 1
    rounds = {kind: partial(repeat, step, together) for kind, step in steps.items()}
    taken = alternating(rounds, device, options.repeats)
    times = {kind: seconds / together for kind, seconds in taken.items()}
    rate = counter.get_total_flops() / 1e12 / times["default"]
    row = {
        "model": name,
        "size": f"{options.size}, batch {options.batch_size}, width {options.ngf}",
        "plain, ms": f"{times['plain'] * 1e3:.4g}",
        "default, ms": f"{times['default'] * 1e3:.4g}",
        "ratio": f"{times['plain'] / times['default']:.2f}",
        "images/s": f"{options.batch_size / times['default']:.3g}",
        "TFLOP/s (of plain's arithmetic)": f"{rate:.3g}",
        "share of a matrix product's": f"{rate / matrix_product_rate(device):.0%}",
    }
    for kind, size in memory.items() if device.type == "cuda" else ():
        row[f"{kind}, GiB"] = f"{size:.2f}"
    return row


def repeat(call: Call, times: int) -> None:
    for _ in range(times):
        call()


def peak_memory(
    make: Callable[..., Call], name: str, device: torch.device, options: argparse.Namespace
) -> float:
    """GiB of a GPU that a model and its steps take; of a CPU's it cannot be told apart."""
    if device.type != "cuda":
        return float("nan")
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    step = make(name, device, options)
    for _ in range(WARM_UP + 2):
        step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_reserved(device) / 2**30
