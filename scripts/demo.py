"""From nothing to a trained model and a page of its results: real data, training, testing, scores.

python scripts/demo.py [--model pix2pix|cycle_gan]. What is done already is not done again; every step is
an ordinary command, printed before it runs.
"""

from __future__ import annotations

import argparse
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.checkpoints.names import STATE_FILE, list_networks
from util.errors import InputError, run_command
from util.script_parser import script_parser

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.compile(r"-+ (Options|End) -+")
STOPPED = (
    75  # status of a training that can go on; its own place, util.distributed, imports PyTorch
)
END_OF_EPOCH = re.compile(r"End of epoch (\d+) / (\d+)")
DATA = {"pix2pix": "relief2topo", "cycle_gan": "faded2fresh"}
COMMON = "--recipe modern --netG unet_64 --no_dropout --load_size 72 --crop_size 64"
# Narrow networks and short schedules: minutes on two CPU cores. docs/quality.md says how they were chosen.
TRAINING = {
    "pix2pix": "--ngf 32 --ndf 32 --batch_size 8 --lr 0.0004 --n_epochs 8 --n_epochs_decay 8",
    # The U-Net's outermost skip passes no norm, so that the colours of a whole picture are not lost.
    "cycle_gan": "--ngf 16 --ndf 24 --netD n_layers --n_layers_D 2 --batch_size 2 --lr 0.0006 "
    "--n_epochs 16 --n_epochs_decay 14",
}


def main(argv: Sequence[str]) -> int:
    """Runs the steps that are not done yet; returns the exit status."""
    options = build_parser().parse_args(argv)
    model, out = options.model, options.out
    name = f"demo_{model}"
    data, run, results = (
        out / p for p in (f"datasets/{DATA[model]}", f"checkpoints/{name}", "results")
    )
    page = results / name / "test_latest/index.html"
    where = ["--dataroot", data, "--name", name, "--model", model, "--checkpoints_dir", run.parent]
    start = time.perf_counter()

    command("datasets/prepare.py", DATA[model], "--out", data.parent, "--no_next")
    if not finished(run, model):
        resume = ["--continue_train"] if (run / STATE_FILE).exists() else []
        scored = f"--val_metrics psnr --val_freq {last_epoch(model)}"  # raw and averaged weights
        flags = f"{COMMON} {TRAINING[model]} {scored} --save_latest_freq 2000 --display_id -1"
        command("train.py", *where, *flags.split(), *resume)
    if not page.exists() or page.stat().st_mtime < (run / STATE_FILE).stat().st_mtime:
        command("test.py", *where, "--results_dir", results)
    report = results / name / "evaluation"
    measured = ["--metrics", "l1,psnr", "--train", data, "--out", report]
    command("scripts/evaluate.py", page.parent, *measured)
    print(f"\ntook {time.perf_counter() - start:.0f} s")
    print(f"training page: {(run / 'web/index.html').resolve().as_uri()}")
    print(f"result page:   {page.resolve().as_uri()}")
    print(f"scores:        {(report / 'index.html').resolve().as_uri()}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    parser.add_argument("--model", choices=sorted(TRAINING), default="pix2pix", help="method")
    parser.add_argument(
        "--out", type=Path, default=Path(), help="folder for datasets/, checkpoints/, results/"
    )
    return parser


def finished(run: Path, model: str) -> bool:
    """Tells whether the last epoch has been saved."""
    return bool(list_networks(run, f"{last_epoch(model)}")) and (run / STATE_FILE).exists()


def last_epoch(model: str) -> int:
    """Returns the number of epochs."""
    words = TRAINING[model].split()
    return sum(int(words[words.index(f) + 1]) for f in ("--n_epochs", "--n_epochs_decay"))


def command(script: str, *words: str | Path) -> None:
    """Runs one of the project's scripts, shown as a user would type it; without a terminal its output is made short.

    Ctrl-C is left to the script, which saves before it ends; a request to end, as `kill` makes it, is passed on to it.
    """
    line = [str(word) for word in words]
    print(f"\n$ python {shlex.join([script, *line])}", flush=True)
    run = [sys.executable, str(ROOT / script), *line]
    # A terminal gets bars that say how much time is left.
    output = None if sys.stdout.isatty() else subprocess.PIPE
    signal.signal(signal.SIGINT, lambda *_: None)
    early: list[int] = []  # a request that came before there was a process
    before = signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    with subprocess.Popen(run, stdout=output, text=True, errors="replace") as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        if early:
            process.terminate()
        for text in shorten(process.stdout or (), time.perf_counter):
            print(text, flush=True)
    signal.signal(signal.SIGTERM, before)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if process.returncode == STOPPED:
        raise SystemExit("stopped: run the same command again to continue")
    if process.returncode:
        raise InputError(f"the step above ended with status {process.returncode}")


def shorten(lines: Iterable[str], clock: Callable[[], float]) -> Iterator[str]:
    """Leaves the table of options out of what train.py and test.py print; adds the time that is left to ends of epochs."""
    inside, started, seen = False, clock(), 0
    for line in map(str.rstrip, lines):
        if match := TABLE.fullmatch(line):
            inside = match[1] == "Options"
        elif match := END_OF_EPOCH.match(line):
            done, epochs = int(match[1]), int(match[2])
            seen += 1  # a training that goes on does not begin with the first
            left = (clock() - started) / seen * (epochs - done)
            yield f"{match[0]}, about {left:.0f} s left"
        elif not inside and not line.startswith("processing ("):
            yield line


if __name__ == "__main__":
    run_command(main)
