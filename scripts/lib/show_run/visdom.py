"""A run in visdom, from what it has logged and its images."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from options.base_options import LogOptions
from scripts.lib.show_run.reading import read_run
from util.errors import InputError
from util.images import read_picture
from util.logs.example_files import examples_on_disk, read_examples
from util.logs.records import Record, images_by_epoch
from util.logs.visdom import server as visdom_server
from util.logs.visdom.windows import KINDS, Windows

PAUSE = 2.0  # seconds between two looks at a run, at least
SHARE = 0.05  # of the time may go into looking


def show_in_visdom(options: argparse.Namespace) -> int:
    """Draws the run and, with --follow, goes on until it ends; returns the exit status."""
    log: LogOptions = options.log
    folder = options.checkpoints_dir / options.name
    record = read_run(folder)
    open_server(log, folder / "visdom_server.log")
    show(record, folder, log)
    env = visdom_server.environment(log.display_env)
    page = visdom_server.page_url(log.display_server, log.display_port, env)
    print(f"{record.name} is shown at {page}", flush=True)
    if options.follow and not record.ending:
        follow(folder, log)
    return 0


def open_server(log: LogOptions, log_path: Path) -> None:
    """Waits until the server is up; one on this machine is started. Raises: InputError when that fails."""
    server, port = log.display_server, log.display_port
    if visdom_server.find_visdom() is None:
        raise InputError(visdom_server.INSTALL)
    if visdom_server.is_answering(server, port):
        return
    process = visdom_server.start(port, log_path) if visdom_server.is_local(server) else None
    if process is None:
        raise InputError(f"no visdom answers at {server}:{port} (--display_server, --display_port)")
    print(f"Starting visdom: {server}:{port} (its log: {log_path})", flush=True)
    patient_until = time.monotonic() + visdom_server.PATIENCE
    while not visdom_server.is_answering(server, port):
        if process.poll() is not None or time.monotonic() > patient_until:
            raise InputError(f"visdom does not start; its log: {log_path}")
        time.sleep(0.2)


def show(record: Record, folder: Path, log: LogOptions) -> None:
    """Draws all of the run. Raises: InputError when the server does not take it."""
    epochs = [at.epoch for at, _ in (*record.losses[-1:], *record.scores[-1:])]
    images = newest_images(folder / "web/images", max(epochs, default=0))
    examples = newest_examples(folder / "web", max(epochs, default=0))
    server, port = log.display_server, log.display_port
    try:
        client = visdom_server.connect(server, port, visdom_server.environment(log.display_env))
        windows = Windows(client, log.display_id, log.display_ncols, log.display_winsize)
        windows.draw(record, images, KINDS, examples)
        client.session.close()
    except ConnectionError as error:
        raise InputError(f"visdom at {server}:{port} fails: {error}") from None


def newest_images(folder: Path, last_epoch: int) -> dict[str, np.ndarray]:
    """Returns label -> (H, W, 3) or (H, W) uint8 of the last epoch that has images, up to last_epoch."""
    by_epoch = images_by_epoch(folder, last_epoch)
    return {
        label: read_picture(file)
        for label, file in (by_epoch[max(by_epoch, default=0)] if by_epoch else {}).items()
    }


def newest_examples(web: Path, last_epoch: int) -> list[dict[str, np.ndarray]]:
    """Returns the fixed examples of the last epoch that has them, up to last_epoch, in their order."""
    epochs = {n: found for n, found in examples_on_disk(web).items() if n <= last_epoch}
    return read_examples(web, max(epochs)) if epochs else []


def follow(folder: Path, log: LogOptions) -> None:
    """Draws what is added until the run ends, through times without a server."""
    ended, works = False, True
    while not ended:
        began = time.monotonic()
        record = read_run(folder)
        try:
            show(record, folder, log)
            ended, works = bool(record.ending), True
        except InputError as error:
            if works:
                print(f"{error}; trying again", flush=True)
            works = False
        time.sleep(max(PAUSE, (time.monotonic() - began) / SHARE))
