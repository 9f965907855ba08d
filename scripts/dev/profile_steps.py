"""Where the time of a training step goes, and what each way to make it faster brings:
python scripts/dev/profile_steps.py --model cycle_gan --batch_size 1 [--parts today fused all] [--kernels all] ...

Prints a table of the ways, each in turn, and one of kernels by kind for each of --kernels. Shares are of a large matrix
product's speed and of a large copy's, both measured in the same run.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models import BaseModel
from models.engine.cuda_graphs import WARM_UP
from models.networks.channels_last import InstanceNorm2d, ReflectionPad2d
from models.networks.fused.layers import Fusion, fuse_layers
from models.networks.resnet import ResnetBlock
from scripts.dev.benchmarks.kernels import LeastTraffic, by_kind, kernels, longest
from scripts.dev.benchmarks.plain_steps import PLAIN
from scripts.dev.benchmarks.steps import FASTCUT, build, images, repeat
from scripts.dev.benchmarks.timing import alternating, copy_rate, matrix_product_rate
from util.device import select_device
from util.errors import run_command

STEPS = 5  # timed together


def change(
    model: BaseModel, fusion: Fusion | None = None, casts: bool = False, streams: bool = False
) -> None:
    """Sets how the model's steps are computed, whatever they are by default."""
    fuse_layers(model, fusion)
    model.execution = replace(model.execution, cast_once=casts, two_streams=streams)


def compile_blocks(model: BaseModel) -> None:
    """Hands every ResNet block, made of PyTorch's own layers, to torch.compile."""
    change(model)
    for block in [module for module in model.modules() if isinstance(module, ResnetBlock)]:
        for layer in block.modules():
            if type(layer) in (InstanceNorm2d, ReflectionPad2d):
                layer.__class__ = getattr(nn, type(layer).__name__)
        block.compile(dynamic=False)


NORMS, CHANNELS = Fusion(True, False), Fusion(False, True)
PARTS: dict[str, Callable[[BaseModel], None]] = {
    "today": change,
    "fused": partial(change, fusion=NORMS),
    "channels": partial(change, fusion=CHANNELS),
    "casts": partial(change, casts=True),
    "streams": partial(change, streams=True),
    "fused_casts": partial(change, fusion=NORMS, casts=True),
    "fused_casts_streams": partial(change, fusion=NORMS, casts=True, streams=True),
    "all_but_streams": partial(change, fusion=Fusion(), casts=True),
    "all": partial(change, fusion=Fusion(), casts=True, streams=True),
    "compiled_blocks": compile_blocks,
}


class Case:
    """A model with one of PARTS, ready to be timed.

    flops, least_bytes: of a step: arithmetic, and what convolutions and Adam have to move; of the first case alone.
    """

    def __init__(self, part: str, device: torch.device, options: argparse.Namespace) -> None:
        started = time.perf_counter()
        torch.manual_seed(0)
        self.model, self.batch = build(options.model, device, options), images(device, options)
        PARTS[part](self.model)
        counter, traffic = FlopCounterMode(display=False), LeastTraffic()
        with ExitStack() as modes:
            for mode in (counter, traffic) if part == options.parts[0] else ():
                modes.enter_context(mode)
            self.step()
        self.flops, self.least_bytes = counter.get_total_flops(), traffic.bytes
        # FastCUT mirrors half of its steps, which are another recording.
        for _ in range(3 * (WARM_UP + 2)):
            self.losses = self.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        self.seconds_to_start = time.perf_counter() - started

    def step(self) -> dict[str, torch.Tensor]:
        return self.model.train_step(self.batch).losses

    @property
    def recorded(self) -> bool:
        return self.model.graphs is not None and self.model.graphs.works

    def part_times(self, device: torch.device) -> dict[str, float]:
        """Milliseconds of each recorded part of a step, by the device's clock."""
        times: dict[str, list[float]] = {}
        run_as_graph = self.model.run_as_graph

        def timed(name: str, function: Callable[..., object], *inputs: torch.Tensor) -> object:
            found: list[object] = []
            taken = alternating(
                {"": lambda: found.append(run_as_graph(name, function, *inputs))}, device, 1, 0
            )
            times.setdefault(name, []).append(1e3 * taken[""])
            return found[0]

        self.model.run_as_graph = timed
        repeat(self.step, STEPS)
        del self.model.run_as_graph
        return {name: sorted(taken)[len(taken) // 2] for name, taken in times.items()}


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    device = select_device(options.gpu_ids)
    torch.backends.cudnn.benchmark = True  # as in train.py, whose images have one size
    product, copy = matrix_product_rate(device), copy_rate(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"\n## {options.model}, batch {options.batch_size}, {options.size} x {options.size}\n")
    print(f"{name}, PyTorch {torch.__version__}: matrix product {product:.4g} TFLOP/s,", end=" ")
    print(f"copy {copy:.4g} TB/s\n", flush=True)
    cases: dict[str, Case] = {}
    for part in options.parts:
        try:
            cases[part] = Case(part, device, options)
        except Exception as error:  # one that fails must not cost the others their numbers
            print(f"{part} failed: {type(error).__name__}: {str(error)[:1500]}\n", flush=True)
        gc.collect()
    rounds = {part: partial(repeat, case.step, STEPS) for part, case in cases.items()}
    taken = alternating(rounds, device, options.repeats)
    first = next(iter(cases.values()))
    flops, least_bytes = first.flops / 1e12, first.least_bytes / 1e12
    print(f"a step is {flops:.4g} TFLOP, and convolutions and Adam move {1e3 * least_bytes:.4g} GB")
    print("\n| | ms a step | of today | matrix product | copy | parts, ms | recorded | start, s |")
    print("|---" * 8 + "|")
    for part, case in cases.items():
        seconds = taken[part] / STEPS
        parts = ", ".join(f"{k} {v:.3g}" for k, v in case.part_times(device).items())
        cells = [part, f"{1e3 * seconds:.4g}", f"{taken[part] / taken[options.parts[0]]:.2f}"]
        cells += [f"{flops / seconds / product:.0%}", f"{least_bytes / seconds / copy:.0%}", parts]
        cells += ["yes" if case.recorded else "no", f"{case.seconds_to_start:.1f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    for part, case in cases.items():
        print(part + ": " + ", ".join(f"{k} {float(v):.4f}" for k, v in case.losses.items()))
    for part in options.kernels:
        if part in cases:
            print_kernels(part, cases[part], device)
    return 0


def print_kernels(part: str, case: Case, device: torch.device) -> None:
    found = kernels(partial(repeat, case.step, STEPS), device)
    print(f"\n### Kernels of {part}\n\n| kind | kernels a step | ms a step |\n|---|---|---|")
    for row in by_kind(found, STEPS):
        print(f"| {row.kind} | {row.count:.0f} | {row.milliseconds:.3f} |")
    print("\nThe longest:")
    for row in longest(found, STEPS, 25):
        print(f"{row.milliseconds:.3f} ms, {row.count:.0f} x {row.kind[:150]}")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--model", choices=[*PLAIN, FASTCUT], default="cycle_gan")
    words.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    words.add_argument("--kernels", nargs="*", choices=list(PARTS), default=["today", "all"])
    words.add_argument("--gpu_ids", default="0", help="-1 for the CPU")
    words.add_argument("--size", type=int, default=256, help="pixels, both ways")
    words.add_argument("--batch_size", type=int, default=1)
    words.add_argument("--netG", help="another generator than the model's default")
    words.add_argument("--ngf", type=int, default=64, help="filters; ndf is the same")
    words.add_argument("--precision", default="auto")
    words.add_argument("--repeats", type=int, default=5, help=f"of {STEPS} steps, in turn")
    words.add_argument("--no_cuda_graphs", action="store_true")
    words.set_defaults(compile=False, contiguous=False)
    return words


if __name__ == "__main__":
    run_command(main)
