"""Places where losses and images go. A new one is its own file and its lines here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from options.base_options import LogOptions
from options.train_options import TrainOptions
from util import distributed, records
from util.device import describe, select_device
from util.logger import Sink
from util.run_state import Progress


def require_packages(log: LogOptions) -> None:
    """Raises: InputError when a place that is asked for needs a package that is missing."""
    if log.use_tensorboard:
        from util.sinks.tensorboard_sink import require_tensorboard

        require_tensorboard()
    if log.use_wandb:
        from util.sinks.wandb_sink import require_wandb

        require_wandb()


def build_sinks(
    options: TrainOptions,
    progress: Progress,
    exactly: bool,
    epoch_images: int,
    say: Callable[[str], None],
) -> list[Sink]:
    """Every place beside the console that the options ask for; each is imported only then.

    Args:
        progress: of an earlier part of the run, whose curves and pages go on.
        exactly: whether it goes on as if never stopped.
        epoch_images: images of an epoch.
        say: takes a line for the user.
    """
    log, folder, name = options.log, options.folder, options.run.name
    from util.sinks.loss_log_sink import LossLogSink
    from util.sinks.record_sink import RecordSink

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
    if not log.no_html:
        sinks.append(_open_page(options, progress, epoch_images))
    if log.display_id > 0:
        from util.sinks.visdom_history import earlier
        from util.sinks.visdom_sink import VisdomSink

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
        visdom.restore(earlier(folder / records.FILE, progress.curve))
        sinks.append(visdom)
    if log.use_tensorboard:
        from util.sinks.tensorboard_sink import TensorBoardSink

        resumed = progress.run_images if exactly else None
        sinks.append(TensorBoardSink(folder / "tensorboard", options.values(), resumed))
    if log.use_wandb:
        from util.sinks.wandb_sink import open_wandb, run_identity

        sinks += open_wandb(
            log.wandb_project_name,
            name,
            options.values(),
            folder,
            identity=run_identity(folder, exactly),
            networks=log.wandb_checkpoints,
        )
    return sinks


def _open_page(options: TrainOptions, progress: Progress, epoch_images: int) -> Sink:
    """The training page, with the run's earlier part. Comes after metrics.jsonl, which knows that part."""
    from util.sinks.page_sink import PageSink
    from util.training_page.earlier import events_of

    folder, log = options.folder, options.log
    events: list[str] = []
    if progress.epoch > 1 or progress.run_images > 0:
        record = records.Record()
        with suppress(OSError):
            record = records.read_record(folder / records.FILE)
        events = events_of(record, folder / "web/images", progress.epoch)
    run = {
        "name": options.run.name,
        "last_epoch": options.optim.last_epoch,
        "epoch_images": epoch_images,
        "step_images": options.data.batch_size * distributed.world_size(),
        "device": describe(select_device(options.run.gpu_ids), "-1").removeprefix("device: "),
        "width": log.display_winsize,
        "options": options.values(),
        "defaults": options.defaults,
        "changed": list(options.changes()),
    }
    return PageSink(folder / "web", run, update_html_freq=log.update_html_freq, events=events)
