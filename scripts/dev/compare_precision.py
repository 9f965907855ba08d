"""Trains the same thing in several precisions and with several seeds, and plots the losses:
python scripts/dev/compare_precision.py --out curves -- --dataroot ./datasets/relief2topo --model pix2pix ...

What follows -- are flags of train.py. Each run is a folder of --out; those that are complete are not repeated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.checkpoints.files import load
from util.checkpoints.names import STATE_FILE
from util.errors import InputError, run_command
from util.script_parser import script_parser

ROOT = Path(__file__).resolve().parents[2]
COLOURS = {"fp32": "tab:blue", "bf16": "tab:orange", "fp16": "tab:green"}


def main(argv: Sequence[str]) -> int:
    words = script_parser(__doc__)
    words.add_argument("--out", type=Path, required=True, help="folder of the runs and the plot")
    words.add_argument("--precision", nargs="+", choices=list(COLOURS), default=["fp32", "bf16"])
    words.add_argument("--seeds", type=int, default=3, help="two or more")
    words.add_argument("--points", type=int, default=24, help="means that a curve is made of")
    words.add_argument("flags", nargs="*", help="of train.py, after --")
    options = words.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    runs = {
        precision: [
            curves(run(options, precision, seed), options.points) for seed in range(options.seeds)
        ]
        for precision in options.precision
    }
    by_loss = {
        loss: {
            precision: np.stack([one[loss] for one in seeds]) for precision, seeds in runs.items()
        }
        for loss in next(iter(runs.values()))[0]
    }
    # A loss that is switched off is zero in all.
    by_loss = {k: v for k, v in by_loss.items() if any(values.any() for values in v.values())}
    print(table(by_loss))
    plot(by_loss, options.out / "precision.png")
    return 0


def run(options: argparse.Namespace, precision: str, seed: int) -> Path:
    """Trains, unless that has been done; the folder of the run."""
    folder = options.out / f"{precision}_{seed}"
    if (folder / "done").exists():
        return folder
    line = [sys.executable, str(ROOT / "train.py"), *options.flags, "--continue_train"]
    line += ["--name", folder.name, "--checkpoints_dir", str(options.out), "--seed", str(seed)]
    line += ["--precision", precision, "--print_freq", "1", "--display_id", "-1", "--no_html"]
    with open(options.out / f"{folder.name}.log", "w") as log:
        if subprocess.run(line, stdout=log, stderr=subprocess.STDOUT, check=False).returncode:
            raise InputError(f"training failed, see {log.name}")
    (folder / "done").touch()
    return folder


def curves(folder: Path, points: int) -> dict[str, np.ndarray]:
    """Loss -> its means over so many equal stretches of the run."""
    history = [losses for _, losses in load(folder / STATE_FILE)["progress"]["curve"]]
    return {
        loss: np.array([part.mean() for part in np.array_split([h[loss] for h in history], points)])
        for loss in history[0]
    }


def table(by_loss: dict[str, dict[str, np.ndarray]]) -> str:
    """Lists last points, and how far a precision lies from the first one, in units of how far its seeds lie apart."""
    rows = [
        "| loss | precision | last point, seed by seed | distance, in spreads of seeds |",
        "|---|---|---|---|",
    ]
    for loss, by_precision in by_loss.items():
        reference = next(iter(by_precision.values()))
        spread = reference.std(axis=0, ddof=1)
        for precision, values in by_precision.items():
            apart = np.abs(values.mean(0) - reference.mean(0))
            distance = np.sqrt(np.mean(apart**2) / np.mean(spread**2))
            last = ", ".join(f"{value:.3f}" for value in values[:, -1])
            rows.append(f"| {loss} | {precision} | {last} | {distance:.2f} |")
    return "\n".join(rows)


def plot(by_loss: dict[str, dict[str, np.ndarray]], file: Path) -> None:
    """Draws a panel for each loss, a line for each run."""
    try:
        import matplotlib
    except ImportError:
        raise InputError("the plot needs matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(4, len(by_loss))
    rows = -(-len(by_loss) // columns)
    figure, panels = pyplot.subplots(
        rows, columns, figsize=(3.4 * columns, 2.6 * rows), squeeze=False
    )
    for panel, (loss, by_precision) in zip(panels.flat, by_loss.items(), strict=False):
        panel.set_title(loss)
        for precision, values in by_precision.items():
            lines = panel.plot(values.T, color=COLOURS[precision], linewidth=1)
            lines[0].set_label(precision)
    panels.flat[0].legend()
    figure.supxlabel("part of the run")
    figure.tight_layout()
    figure.savefig(file, dpi=90)
    print(f"plot: {file}")


if __name__ == "__main__":
    run_command(main)
