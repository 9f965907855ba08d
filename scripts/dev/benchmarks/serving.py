"""scripts/serve.py under load: a process of its own, clients on this machine, good requests and bad ones among them."""

from __future__ import annotations

import argparse
import http.client
import io
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from models.networks import define_G
from scripts.dev.benchmarks.timing import Row
from util.errors import InputError

SERVE = Path(__file__).resolve().parents[3] / "scripts/serve.py"
REQUESTS = 20  # of each client
BAD = {b"garbage" * 1000: 400, b"x" * 2_000_000: 413}  # body -> the answer that is due


def measure(name: str, device: torch.device, options: argparse.Namespace) -> Row:
    """Requests a second and waiting times, clients asking again as soon as they are answered."""
    netG = options.netG or "unet_256"
    norm = "instance" if netG.startswith("resnet") else "batch"
    with tempfile.TemporaryDirectory() as folder:
        generator = define_G(3, 3, options.ngf, netG, norm)
        (Path(folder) / "run").mkdir()
        torch.save(generator.state_dict(), Path(folder) / "run/latest_net_G.pth")
        with server(folder, device) as port:
            content = picture(options.size)
            answered(port, content)  # the first takes longer
            started = time.perf_counter()
            with ThreadPoolExecutor(options.clients + 1) as pool:
                clients = [pool.submit(client, port, content) for _ in range(options.clients)]
                bad = pool.submit(refused, port, REQUESTS // len(BAD))
                waits = sorted(wait for one in clients for wait in one.result())
            taken = time.perf_counter() - started
    return {
        "generator": f"{netG}, ngf {options.ngf}",
        "pixels": f"{options.size} x {options.size}",
        "clients": str(options.clients),
        "requests/s": f"{len(waits) / taken:.1f}",
        "median": f"{1e3 * statistics.median(waits):.0f} ms",
        "p99": f"{1e3 * waits[min(len(waits) - 1, int(0.99 * len(waits)))]:.0f} ms",
        "bad ones refused": bad.result(),
    }


@contextmanager
def server(folder: str, device: torch.device) -> Iterator[int]:
    """The port of a server for the run in a folder."""
    words = ["--name", "run", "--checkpoints_dir", folder, "--port", "0", "--device", str(device)]
    limit = ["--max_megabytes", "1.5", "--timeout", "300", "--queue", "256"]
    process = subprocess.Popen(
        [sys.executable, str(SERVE), *words, *limit],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        said = ""
        for line in process.stdout:
            said += line
            if match := re.search(r"listening on \S+:(\d+)", line):
                yield int(match[1])
                return
        raise InputError(f"the server did not start:\n{said}")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def picture(size: int) -> bytes:
    """A JPEG of clouds."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def client(port: int, content: bytes) -> list[float]:
    """Seconds that each request took."""
    waits = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        status = answered(port, content)
        if status != 200:
            raise InputError(f"the server answered {status} to a good request")
        waits.append(time.perf_counter() - started)
    return waits


def refused(port: int, rounds: int) -> str:
    """How many bad requests got the answer that is due."""
    right = [answered(port, body) == due for _ in range(rounds) for body, due in BAD.items()]
    return f"{sum(right)} of {len(right)}"


def answered(port: int, content: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.putrequest("POST", "/translate")
        connection.putheader("Content-Type", "image/jpeg")
        connection.putheader("Content-Length", str(len(content)))
        connection.endheaders()
        with suppress(
            ConnectionError
        ):  # refused by its length alone; the answer is there to be read
            connection.send(content)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
