"""Places where losses and images go. A new one is its own file and its lines here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from options.base_options import LogOptions
from options.train_options import TrainOptions
from util import distributed
from util.device import describe
from util.logs import records
from util.logs.commands import commands
from util.logs.logger import Sink
from util.logs.sinks.loss_log import LossLogSink
from util.logs.sinks.record import RecordSink
from util.training.progress import Progress


def require_packages(log: LogOptions) -> None:
    """Raises: InputError when a place that is asked for needs a package that is missing."""
    if log.use_tensorboard:
        from util.logs.sinks.tensorboard import require_tensorboard

        require_tensorboard()
    if log.use_wandb:
        from util.logs.sinks.wandb import require_wandb

        require_wandb()


def build_sinks(
    options: TrainOptions,
    progress: Progress,
    exactly: bool,
    epoch_images: int,
    device: torch.device,
    say: Callable[[str], None],
    examples: Mapping[str, Any],
) -> list[Sink]:
    """Opens every place but the console that the options ask for; each is imported only then.

    Args:
        progress: of an earlier part of the run, whose curves and pages go on.
        exactly: whether it goes on as if never stopped.
        epoch_images: images of an epoch.
        device: what computes.
        say: takes a line for the user.
        examples: split and names of the fixed ones.
    """
    log, folder, name = options.log, options.folder, options.run.name
    start = {
        "name": name,
        "last_epoch": options.optim.last_epoch,
        "epoch_images": epoch_images,
        "options": options.values(),
        "changed": list(options.changes()),
        "examples": dict(examples),
    }

    # Text files.
    here = (progress.epoch, progress.seen) if exactly else None
    sinks: list[Sink] = [
        LossLogSink(folder / "loss_log.txt", here),
        RecordSink(folder / records.FILE, start, here),
    ]

    # Pages, which begin with what metrics.jsonl, by now of this run alone, has of its earlier part.
    history = records.earlier(folder / records.FILE, progress.curve)
    if not log.no_html:
        sinks.append(_training_page(options, progress, start, history, device))
        sinks.append(_home_page(options, start, history))
    if log.display_id > 0:
        sinks.append(_visdom(options, history, say))

    # Trackers.
    if log.use_tensorboard:
        from util.logs.sinks.tensorboard import TensorBoardSink

        done = progress.run_images if exactly else None
        sinks.append(TensorBoardSink(folder / "tensorboard", options.values(), done))
    if log.use_wandb:
        from util.logs.sinks.wandb import open_wandb, run_identity

        sinks += open_wandb(
            log.wandb_project_name,
            name,
            options.values(),
            folder,
            identity=run_identity(folder, exactly),
            networks=log.wandb_checkpoints,
        )
    return sinks


def _training_page(
    options: TrainOptions,
    progress: Progress,
    start: dict[str, Any],
    history: records.Record,
    device: torch.device,
) -> Sink:
    from util.logs.training_page.earlier import events_of
    from util.logs.training_page.sink import PageSink
    from util.logs.training_page.stream import LOWER_IS_BETTER

    run = {
        **start,
        "started": time.time(),
        "from": progress.run_images,
        "home": True,
        "commands": commands(options.values(), options.changes()),
        "lower_is_better": LOWER_IS_BETTER,
        "step_images": options.data.batch_size * distributed.world_size(),
        "device": describe(device, "-1").removeprefix("device: "),
        "width": options.log.display_winsize,
        "defaults": options.defaults,
    }
    web = options.folder / "web"
    resumed = progress.epoch > 1 or progress.run_images > 0
    events = events_of(history, web / "images", progress.epoch if resumed else 0)
    return PageSink(web, run, update_html_freq=options.log.update_html_freq, events=events)


def _home_page(options: TrainOptions, start: dict[str, Any], history: records.Record) -> Sink:
    from util.logs.home_page.sink import HomeSink
    from util.logs.home_page.summary import summarize

    history = replace(history, **start, started=history.started or time.time())
    summary = summarize(history, options.folder / "web")
    return HomeSink(Path(options.run.checkpoints_dir), options.folder, summary)


def _visdom(options: TrainOptions, history: records.Record, say: Callable[[str], None]) -> Sink:
    from util.logs.visdom.sink import VisdomSink

    log = options.log
    sink = VisdomSink(
        log.display_server,
        log.display_port,
        log.display_env,
        log.display_id,
        log.display_ncols,
        options.run.name,
        options.folder / "visdom_server.log",
        winsize=log.display_winsize,
        say=say,
    )
    sink.restore(history)
    return sink
