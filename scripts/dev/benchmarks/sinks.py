"""What showing costs at the default frequencies: processor time in each place where losses and images go, as a share of the run's."""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

import train
from scripts.dev.benchmarks.pictures import write_pictures
from scripts.dev.benchmarks.showing import server
from scripts.dev.benchmarks.timing import Row
from util.logs import reporter
from util.logs.logger import Sink

IMAGES = 800  # two displays, eight prints


class Timed:
    """A sink whose calls are timed, by the processor's clock of the calling thread."""

    def __init__(self, sink: Sink) -> None:
        self.sink, self.seconds = sink, 0.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.sink, name)

        def timed(*words: object) -> None:
            start = time.thread_time()
            method(*words)
            self.seconds += time.thread_time() - start

        return timed


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """One epoch with pages, visdom, TensorBoard and health; the shares of all places and of their threads."""
    sinks: list[Timed] = []
    spans: dict[str, float] = {}
    build = reporter.build_sinks

    def timed_sinks(*words: Any) -> list[Timed]:
        sinks[:] = [Timed(sink) for sink in build(*words)]
        spans["start"] = time.process_time()
        return sinks

    def ended(self: reporter.Reporter, ending: str) -> None:
        spans["end"] = time.process_time()  # of all threads
        spans["threads"] = sum(map(thread_seconds, shown_by()))
        close(self, ending)

    close = reporter.Reporter.close
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder, size = Path(place), options.size
        write_pictures(folder / "data/train", IMAGES, 2 * size, size)
        for side in "AB":
            write_pictures(folder / f"data/train{side}", IMAGES, size, size)
        words = ["--dataroot", f"{place}/data", "--checkpoints_dir", place, "--model", name]
        words += ["--gpu_ids", options.gpu_ids, "--ngf", str(options.ngf), "--name", "run"]
        words += ["--ndf", str(options.ngf), "--load_size", str(size), "--crop_size", str(size)]
        words += ["--batch_size", str(options.batch_size), "--n_epochs", "1"]
        words += ["--n_epochs_decay", "0", "--use_tensorboard", "--log_health"]
        words += ["--netG", options.netG] if options.netG else []
        reporter.build_sinks, reporter.Reporter.close = timed_sinks, ended  # type: ignore[assignment, method-assign]
        try:
            with server(folder) as (_, port), contextlib.redirect_stdout(io.StringIO()):
                train.main([*words, "--display_port", str(port)])
        finally:
            reporter.build_sinks, reporter.Reporter.close = build, close  # type: ignore[method-assign]
    total = spans["end"] - spans["start"]
    row = {"model": f"{name}, {size}, width {options.ngf}, {total:.0f} s"}
    row |= {type(each.sink).__name__: f"{each.seconds / total:.2%}" for each in sinks}
    everything = sum(each.seconds for each in sinks) + spans["threads"]
    return {
        **row,
        "their threads": f"{spans['threads'] / total:.2%}",
        "all": f"{everything / total:.2%}",
    }


def shown_by() -> list[threading.Thread]:
    """Threads that show things: visdom's, TensorBoard's."""
    names = ("visdom", "_AsyncWriterThread")
    return [t for t in threading.enumerate() if t.name in names or type(t).__name__ in names]


def thread_seconds(thread: threading.Thread) -> float:
    """Processor time that a thread has taken (not on Windows)."""
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
