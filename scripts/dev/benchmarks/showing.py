"""What it costs to show a run: the same training with nothing to show it on, with pages, and with a visdom that fails."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from scripts.dev.benchmarks.pictures import write_pictures
from scripts.dev.benchmarks.timing import Row
from util.checkpoints.files import network_path
from util.logs.records import FILE, read_record
from util.logs.visdom import server as visdom_server

ROOT = Path(__file__).resolve().parents[3]
IMAGES = 96
NOTHING = ("--no_html", "--display_id", "-1")
Fault = Callable[[subprocess.Popen], object]
KINDS: dict[str, Fault | None] = {  # what happens to visdom's server after a quarter of the images
    "nothing": None,
    "pages": None,
    "visdom": lambda server: None,
    "visdom stalled": lambda server: server.send_signal(signal.SIGSTOP),
    "visdom killed": lambda server: server.kill(),
}


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Speed and processor time by what shows a run, relative to nothing; whether all learn the same to the last bit."""
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder, size = Path(place), options.size
        write_pictures(folder / "data/train", IMAGES, 2 * size, size)
        for side in "AB":
            write_pictures(folder / f"data/train{side}", IMAGES, size, size)
        words = [sys.executable, str(ROOT / "train.py"), "--dataroot", str(folder / "data")]
        words += ["--checkpoints_dir", place, "--model", name, "--gpu_ids", options.gpu_ids]
        words += ["--ngf", str(options.ngf), "--ndf", str(options.ngf), "--load_size", str(size)]
        words += ["--crop_size", str(size), "--n_epochs", "1", "--n_epochs_decay", "0"]
        words += ["--print_freq", str(IMAGES // 12), "--display_freq", str(IMAGES // 6)]
        words += ["--netG", options.netG] if options.netG else []
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        work: dict[str, list[float]] = {kind: [] for kind in KINDS}
        weights = []
        for number in range(options.repeats):
            for kind, fault in KINDS.items():
                run = folder / f"{kind} {number}"
                rate, seconds = train(run, kind, fault, words)
                rates[kind].append(rate)
                work[kind].append(seconds)
                weights.append(torch.load(network_path(run, "latest", first(name))))
    alike = all(torch.equal(w[key], weights[0][key]) for w in weights for key in weights[0])
    typical = {kind: statistics.median(values) for kind, values in rates.items()}
    effort = {kind: statistics.median(values) for kind, values in work.items()}
    row = {"model": f"{name}, {size}, width {options.ngf}"}
    for kind in KINDS:
        row[kind] = f"{typical[kind] / typical['nothing']:.2f} ({effort[kind]:.1f} s)"
    return {**row, "same weights": "yes" if alike else "no"}


def children_seconds() -> float:
    """Processor time of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def first(model: str) -> str:
    """A network of the model."""
    return "G" if model == "pix2pix" else "G_A"


def train(run: Path, kind: str, fault: Fault | None, words: list[str]) -> tuple[float, float]:
    """Images a second, between the first losses and the last, and the processor's time for the whole run."""
    before = children_seconds()
    record, null = run / FILE, subprocess.DEVNULL
    words = [*words, "--name", run.name, *(NOTHING if kind == "nothing" else ())]
    if fault is None:
        subprocess.run([*words, "--display_id", "-1"], check=True, stdout=null)
        return speed(record), children_seconds() - before
    with server(run.parent) as (process, port):
        training = subprocess.Popen([*words, "--display_port", str(port)], stdout=null)
        while training.poll() is None and not (record.exists() and read_record(record).losses[2:]):
            time.sleep(0.2)
        fault(process)
        if training.wait():
            raise RuntimeError(f"training with {kind} ended with status {training.returncode}")
        seconds = children_seconds() - before  # without the server, which ends later
    return speed(record), seconds


def speed(path: Path) -> float:
    """Images a second of a run, by its record."""
    record = read_record(path)
    images = record.losses[-1][0].run_images - record.losses[0][0].run_images
    return images / (record.times[-1] - record.times[0])


@contextmanager
def server(folder: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """A visdom server of our own, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, str(visdom_server.SCRIPT), "--port", str(port)]
    process = subprocess.Popen([*words, "--env_path", str(folder)], stdout=subprocess.DEVNULL)
    try:
        while not visdom_server.is_answering("localhost", port):
            if process.poll() is not None:
                raise RuntimeError("visdom's server does not start")
            time.sleep(0.2)
        yield process, port
    finally:
        process.kill()
        process.wait()
