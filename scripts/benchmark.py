"""What things cost on this machine: python scripts/benchmark.py train | save [--model cycle_gan] [--size 256] ...

train: a step as the older code takes it (plain) against ours (default), in turn, on the same images.
save:  how long training waits for a checkpoint of full-size networks, and how long the disk works on it meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import Adam, BaseModel, create_model, model_options
from scripts.plain import PLAIN
from util import checkpoint
from util.cost import wait_for
from util.device import describe, select_device
from util.errors import run_command
from util.run_state import Progress, snapshot
from util.saver import Saver

Row = dict[str, str]


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    device = select_device(options.gpu_ids)
    print(f"{describe(device, options.gpu_ids)}, PyTorch {torch.__version__}\n")
    benchmark = {"train": train, "save": save}[options.what]
    for number, name in enumerate(options.model or ["pix2pix", "cycle_gan"]):
        row = benchmark(name, device, options)
        if number == 0:
            print("| " + " | ".join(row) + " |\n" + "|---" * len(row) + "|")
        print("| " + " | ".join(row.values()) + " |", flush=True)
    return 0


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("what", choices=["train", "save"])
    words.add_argument("--model", nargs="+", choices=list(PLAIN), help="default: both")
    words.add_argument("--gpu_ids", default="0", help="-1 for the CPU")
    words.add_argument("--size", type=int, default=256, help="pixels, both ways")
    words.add_argument("--batch_size", type=int, default=1)
    words.add_argument("--netG", help="another generator than the model's default")
    words.add_argument("--ngf", type=int, default=64, help="filters; ndf is the same")
    words.add_argument("--repeats", type=int, default=7, help="of each, in turn; the median counts")
    words.add_argument("--folder", type=Path, help="save: a folder on the disk to measure")
    return words


def build(name: str, device: torch.device, options: argparse.Namespace) -> BaseModel:
    group, netG = model_options(name), {"netG": options.netG} if options.netG else {}
    sizes = {"ngf": options.ngf, "ndf": options.ngf, **netG}
    return create_model(group(model=name, **sizes), adam=Adam(), device=device)


def train(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Time and arithmetic of a step."""
    plain, ours = PLAIN[name](build(name, device, options)), build(name, device, options)
    shape = (options.batch_size, 3, options.size, options.size)
    A, B = (torch.rand(shape, device=device) * 2 - 1 for _ in range(2))
    batch = {"A": A, "B": B, "A_paths": [], "B_paths": []}
    steps = {"plain": lambda: plain.step(batch), "default": lambda: ours.train_step(batch)}
    with FlopCounterMode(display=False) as counter:
        steps["plain"]()  # also warms up
    times = alternating(steps, device, options.repeats)
    tera = counter.get_total_flops() / 1e12
    rate, ceiling = tera / times["default"], matrix_product_rate(device)
    return {
        "model": name,
        "size": f"{options.size}, batch {options.batch_size}, width {options.ngf}",
        "plain, ms": f"{times['plain'] * 1e3:.0f}",
        "default, ms": f"{times['default'] * 1e3:.0f}",
        "ratio": f"{times['plain'] / times['default']:.2f}",
        "images/s": f"{options.batch_size / times['default']:.1f}",
        "TFLOP/s (of plain's arithmetic)": f"{rate:.3g}",
        "share of a matrix product's": f"{rate / ceiling:.0%}",
        **peak_memory(steps, device),
    }


def peak_memory(calls: dict[str, Callable[[], object]], device: torch.device) -> Row:
    """What each step takes of a GPU's memory; of a CPU's it cannot be told apart."""
    row = {}
    for name, call in calls.items() if device.type == "cuda" else ():
        torch.cuda.reset_peak_memory_stats(device)
        call()
        row[f"{name}, GiB"] = f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f}"
    return row


def matrix_product_rate(device: torch.device) -> float:
    """TFLOP/s of a large matrix product: what this device can do at most, float32 on a CPU, bfloat16 on a GPU."""
    on_gpu = device.type != "cpu"
    side, kind = (8192, torch.bfloat16) if on_gpu else (1536, torch.float32)
    matrix = torch.rand(side, side, device=device, dtype=kind)
    return 2 * side**3 / 1e12 / alternating({"": lambda: matrix @ matrix}, device, 5)[""]


def save(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """The networks alone, as the older code writes them, and everything, as ours does."""
    model = build(name, device, options)
    for optimizer in model.optimizers.values():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()  # so that there are moments to save
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        saver = Saver(folder, 0, print)
        calls = {
            "plain": lambda: write_plainly(model, folder),
            "waits": lambda: saver.save(snapshot(model, Progress(), {}), ["latest", "1"]),
            "beside": saver.wait,
        }
        times = alternating(calls, device, options.repeats)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return {
        "model": name,
        "written, MB": f"{size:.0f}",
        "plain, s": f"{times['plain']:.2f}",
        "training waits, s": f"{times['waits']:.2f}",
        "the disk works beside, s": f"{times['beside']:.2f}",
    }


def write_plainly(model: BaseModel, folder: Path) -> None:
    """The networks under two labels, straight into their files, while training waits."""
    for label in ("latest", "1"):
        for name, network in model.networks().items():
            weights = {key: value.cpu() for key, value in network.state_dict().items()}
            torch.save(weights, checkpoint.network_path(folder, label, name))


def alternating(
    calls: dict[str, Callable[[], object]], device: torch.device, repeats: int
) -> dict[str, float]:
    """Median seconds of each call, taken in turn, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            wait_for(device)
            started = time.perf_counter()
            call()
            wait_for(device)
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


if __name__ == "__main__":
    run_command(main)
