"""What a run tells at its start, on the console and in its folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from options.train_options import TrainOptions
from util import distributed
from util.checkpoint import PREVIOUS_STATE, STATE_FILE, put_aside
from util.device import describe
from util.files import make_folder, write_text
from util.run_state import Resumable


def announce(
    options: TrainOptions,
    model: Resumable,
    device: torch.device,
    arithmetic: str,
    images: int,
    findings: Sequence[str],
    notes: Sequence[str],
    *,
    afresh: bool,
) -> None:
    """Writes train_opt.txt and options.json, and prints what was found.

    Args:
        arithmetic: how steps are computed.
        findings: what is odd about the data set.
        notes: where the run starts, if not afresh.
        afresh: whether an earlier run in the same folder is put aside.
    """
    folder = make_folder(options.folder)
    if afresh and put_aside(folder):
        logging.getLogger(__name__).warning(
            "%s holds an earlier run, whose numbered checkpoints will be overwritten; its newest are now called "
            "previous_*. To go on with it, stop now, rename %s to %s, and use --continue_train",
            folder,
            PREVIOUS_STATE,
            STATE_FILE,
        )
    print(options.table())
    write_text(folder / "train_opt.txt", options.table() + "\n")
    write_text(folder / "options.json", options.json())
    print(describe(device, options.run.gpu_ids))
    print(arithmetic)
    print(_batch(options.data.batch_size, options.model.norm, options.optim.scale_lr))
    print(f"dataset [{options.data.dataset_mode}] was created")
    print(f"The number of training images = {images}")
    for finding in findings:
        print(finding)
    print(f"model [{options.model.model}] was created")
    print("---------- Networks initialized -------------")
    for name, network in model.networks().items():
        if options.run.verbose:
            print(network)
        millions = sum(p.numel() for p in network.parameters()) / 1e6
        print(f"[Network {name}] Total number of parameters : {millions:.3f} M")
    print("-----------------------------------------------")
    for note in notes:
        print(note)
    print(f"seed {options.run.seed}", flush=True)


def _batch(batch_size: int, norm: str, scale_lr: bool) -> str:
    """How many images a step sees, and over which of them norms take their statistics."""
    processes = distributed.world_size()
    if processes == 1:
        return f"images per step: {batch_size}"
    text = f"images per step: {batch_size * processes} (--batch_size {batch_size} x {processes} processes)"
    if scale_lr:
        text += f"; --lr is multiplied by {processes**0.5:.3g} (--scale_lr)"
    if norm == "batch":
        text += (
            "; --norm batch: each process has statistics of its own, --norm syncbatch shares them"
        )
    return text
