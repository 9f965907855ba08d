"""Places where losses and images go. A new one is its own file and its lines here."""

from __future__ import annotations

from collections.abc import Callable

from options.train_options import TrainOptions
from util import records
from util.logger import Sink
from util.run_state import Progress


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
        "changed": options.changed(),
    }
    sinks: list[Sink] = [
        LossLogSink(folder / "loss_log.txt", here),
        RecordSink(folder / records.FILE, start, here),
    ]
    if not log.no_html:
        from util.sinks.page_sink import PageSink

        web = folder / "web"
        resumed = progress.epoch > 1 or progress.run_images > 0
        sinks.append(
            PageSink(
                web,
                name,
                width=log.display_winsize,
                update_html_freq=log.update_html_freq,
                earlier_epochs=progress.epoch if resumed else 0,
            )
        )
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
    if log.use_wandb:
        from util.sinks.wandb_sink import open_wandb

        sinks += open_wandb(log.wandb_project_name, name, options.values(), str(folder))
    return sinks
