"""Places where losses and images go. A new one is its own file and its lines here."""

from __future__ import annotations

from collections.abc import Callable

from options.train_options import TrainOptions
from util.logger import Sink


def build_sinks(options: TrainOptions, curve: list, say: Callable[[str], None]) -> list[Sink]:
    """Every place beside the console that the options ask for; each is imported only then.

    Args:
        curve: [x, losses] of earlier parts of the run.
        say: takes a line for the user.
    """
    log, folder, name = options.log, options.folder, options.run.name
    from util.sinks.loss_log_sink import LossLogSink

    sinks: list[Sink] = [LossLogSink(folder / "loss_log.txt")]
    if not log.no_html:
        from util.sinks.page_sink import PageSink

        web = folder / "web"
        sinks.append(
            PageSink(web, name, width=log.display_winsize, update_html_freq=log.update_html_freq)
        )
    if log.display_id > 0:
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
        visdom.restore(curve)
        sinks.append(visdom)
    if log.use_wandb:
        from util.sinks.wandb_sink import WandbSink

        try:
            sinks.append(WandbSink(log.wandb_project_name, name, options.values(), str(folder)))
        except Exception as error:  # no login, no network, ...: training does not depend on it
            say(f"Weights & Biases is not used: {error}")
    return sinks
