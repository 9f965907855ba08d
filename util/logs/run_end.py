"""The last lines of a run: how it went, where to look, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from options.train_options import TrainOptions
from options.wording import count
from util.checkpoints.names import list_networks
from util.device import duration
from util.logs import records
from util.logs.commands import test_command
from util.logs.sinks.console import Pace, loss_words
from util.training.progress import Progress

STARVED = 0.25  # share of the time waiting for data from which on there is something to gain
Rows = list[tuple[str, str]]  # label, text


def closing_rows(
    options: TrainOptions, progress: Progress, pace: Pace, losses: Mapping[str, float]
) -> Rows:
    """Words the summary: labels and texts.

    Args:
        progress: at the end.
        losses: means of the last epoch, or of its part that is done.
    """
    done = f"{count(pace.images, 'image')} in {duration(pace.seconds)}: {pace}"
    if pace.waiting > STARVED and pace.images:
        done += (
            "; a larger --num_threads" + ("" if options.data.cache else " or --cache") + " may help"
        )
    rows = [("trained", done)]
    if progress.epoch <= options.optim.last_epoch:
        at = f"epoch {progress.epoch} of {options.optim.last_epoch}"
        rows.append(("reached", f"{at}, image {progress.seen} of {progress.epoch_images}"))
    if losses:
        rows.append(("losses", f"{', '.join(loss_words(losses))} (means of the last epoch)"))
    if progress.best:
        best = (f"{name} {value:.4g} (best_{name})" for name, value in progress.best.items())
        rows.append(("best", ", ".join(best)))
    return rows + place_rows(options) + _next(options)


def place_rows(options: TrainOptions) -> Rows:
    """Words where to watch the run, and where its numbers are."""
    folder, log = options.folder, options.log
    rows = []
    if not log.no_html:
        rows.append(("page", (folder / "web/index.html").absolute().as_uri()))
    if log.display_id > 0:
        rows.append(("visdom", f"{log.display_server}:{log.display_port}"))
    if log.use_tensorboard:
        rows.append(("board", f"tensorboard --logdir {shlex.quote(str(folder / 'tensorboard'))}"))
    return [*rows, ("numbers", f"{folder / records.FILE}, {folder / 'loss_log.txt'}")]


def _next(options: TrainOptions) -> Rows:
    """Words which networks there are, and the command that tests them."""
    if not list_networks(options.folder, "latest"):
        return []
    return [
        ("networks", f"{options.folder / 'latest_net_*.pth'}"),
        ("test with", test_command(options.values())),
    ]
