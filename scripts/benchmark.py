"""What things cost on this machine: python scripts/benchmark.py save [--model cycle_gan]

save: how long training waits for a checkpoint of full-size networks, and how long the disk works on it meanwhile.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import Adam, BaseModel, create_model, model_options
from util import checkpoint
from util.device import describe, select_device
from util.errors import run_command
from util.run_state import Progress, snapshot
from util.saver import Saver


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["save"])
    parser.add_argument("--model", choices=["pix2pix", "cycle_gan"], help="default: both")
    parser.add_argument("--gpu_ids", default="0", help="-1 for the CPU")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    device = select_device(options.gpu_ids)
    print(describe(device, options.gpu_ids), f"PyTorch {torch.__version__}")
    head = ("model", "MB", "plain, s", "training waits, s", "disk works beside, s", "ratio")
    print("| " + " | ".join(head) + " |")
    for name in [options.model] if options.model else ["pix2pix", "cycle_gan"]:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            save_cost(name, device, Path(folder), options.repeats)
    return 0


def save_cost(name: str, device: torch.device, folder: Path, repeats: int) -> None:
    """Prints a row: the older code's way of writing the networks alone, and ours of writing everything."""
    model = create_model(model_options(name)(model=name), adam=Adam(), device=device)
    for optimizer in model.optimizers.values():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()  # so that there are moments to save
    saver, waits, works, plain = Saver(folder, 0, print), [], [], []
    for _ in range(repeats):
        plain.append(seconds(lambda: write_plainly(model, folder)))
        waits.append(seconds(lambda: saver.save(snapshot(model, Progress(), {}), ["latest", "1"])))
        works.append(seconds(saver.wait))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    row = [statistics.median(times) for times in (plain, waits, works)]
    ratio = row[0] / row[1]
    print(f"| {name} | {size:.0f} | {row[0]:.2f} | {row[1]:.2f} | {row[2]:.2f} | {ratio:.1f} |")


def write_plainly(model: BaseModel, folder: Path) -> None:
    """The networks under two labels, straight into their files, while training waits."""
    for label in ("latest", "1"):
        for name, network in model.networks().items():
            weights = {key: value.cpu() for key, value in network.state_dict().items()}
            torch.save(weights, checkpoint.network_path(folder, label, name))


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    run_command(main)
