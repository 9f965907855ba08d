"""Places where losses and images go. A new one is its own file and its lines here."""

from __future__ import annotations

from collections.abc import Callable

import torch

from options.base_options import LogOptions
from options.train_options import TrainOptions
from util import distributed
from util.device import describe
from util.logs import records
from util.logs.logger import Sink
from util.logs.records import earlier
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
) -> list[Sink]:
    """Every place beside the console that the options ask for; each is imported only then.

    Args:
        progress: of an earlier part of the run, whose curves and pages go on.
        exactly: whether it goes on as if never stopped.
        epoch_images: images of an epoch.
        device: what computes.
        say: takes a line for the user.
    """
    log, folder, name = options.log, options.folder, options.run.name
    from util.logs.sinks.loss_log import LossLogSink
    from util.logs.sinks.record import RecordSink

    here = (progress.epoch, progress.seen) if exactly else None
    start = {
        "name": name,
        "last_epoch": options.optim.last_epoch,
        "epoch_images": epoch_images,
        "options": options.values(),
        "changed": list(options.changes()),
    }
    sinks: list[Sink] = [
        LossLogSink(folder / "loss_log.txt", here),
        RecordSink(folder / records.FILE, start, here),
    ]
    # Comes after metrics.jsonl is opened, which by then has this run alone.
    history = earlier(folder / records.FILE, progress.curve)
    if not log.no_html:
        from util.logs.training_page.earlier import events_of
        from util.logs.training_page.sink import PageSink

        resumed = progress.epoch > 1 or progress.run_images > 0
        run = {
            **start,
            "step_images": options.data.batch_size * distributed.world_size(),
            "device": describe(device, "-1").removeprefix("device: "),
            "width": log.display_winsize,
            "defaults": options.defaults,
        }
        events = events_of(history, folder / "web/images", progress.epoch if resumed else 0)
        sinks.append(
            PageSink(folder / "web", run, update_html_freq=log.update_html_freq, events=events)
        )
    if log.display_id > 0:
        from util.logs.visdom.sink import VisdomSink

        visdom = VisdomSink(
            log.display_server,
            log.display_port,
            log.display_env,
            log.display_id,
            log.display_ncols,
            name,
            folder / "visdom_server.log",
            winsize=log.display_winsize,
            say=say,
        )
        visdom.restore(history)
        sinks.append(visdom)
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
