"""The first lines of a run, on the console and in its folder."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from options.saved import OPTIONS_FILE
from options.train_options import TrainOptions
from options.wording import count
from util import distributed
from util.checkpoints.files import start_afresh
from util.checkpoints.names import PREVIOUS_STATE, STATE_FILE
from util.checkpoints.state import Resumable
from util.device import describe
from util.files import make_folder, write_text
from util.logs.run_end import Rows, place_rows
from util.terminal import changes, columns, emphasised, styled


@dataclass(frozen=True)
class Found:
    """Facts about a run that its first lines state.

    Attributes:
        device, arithmetic: what computes, and how.
        images, files: how many there are, and the files they are made of, in words.
        findings: what is odd about the data set.
        notes: where the run starts, if not afresh.
    """

    device: torch.device
    arithmetic: str
    images: int
    files: str
    findings: Sequence[str]
    notes: Sequence[str]


def announce(options: TrainOptions, model: Resumable, found: Found, *, afresh: bool) -> None:
    """Writes train_opt.txt and options.json, and prints what was found.

    afresh: whether an earlier run in the same folder is put aside.
    """
    folder = make_folder(options.folder)
    if not afresh:
        write_text(folder / OPTIONS_FILE, options.json())
    elif start_afresh(folder, options.json()):
        logging.getLogger(__name__).warning(
            "%s holds an earlier run, whose numbered checkpoints will be overwritten; its newest are now called "
            "previous_*. To continue it instead, stop now, rename %s to %s, and use --continue_train",
            folder,
            PREVIOUS_STATE,
            STATE_FILE,
        )
    write_text(folder / "train_opt.txt", options.table() + "\n")
    show = _for_people if sys.stdout.isatty() else _for_programs
    show(options, model, found)
    for line in (*found.findings, *found.notes):
        print(emphasised(line, sys.stdout))
    sys.stdout.flush()


def _for_programs(options: TrainOptions, model: Resumable, found: Found) -> None:
    """Prints the lines of the original code, which other programs parse."""
    print(options.table())
    print(describe(found.device, options.run.gpu_ids))
    print(found.arithmetic)
    print(_batch(options.data.batch_size, options.model.norm, options.optim.scale_lr))
    print(f"dataset [{options.data.dataset_mode}] was created")
    print(f"The number of training images = {found.images}")
    print(f"model [{options.model.model}] was created")
    print("---------- Networks initialized -------------")
    _layers(options, model)
    for name, millions in _millions(model).items():
        print(f"[Network {name}] Total number of parameters : {millions:.3f} M")
    print("-----------------------------------------------")
    print(f"seed {options.run.seed}")
    for line in columns(place_rows(options), sys.stdout):
        print(line)


def _for_people(options: TrainOptions, model: Resumable, found: Found) -> None:
    """Prints the same in short: of the options only those that are not at their defaults."""
    print(styled("Flags that differ from their defaults", "bold", sys.stdout))
    found_out = {"range_A", "range_B"} - options.explicit  # from the files
    asked = {name: two for name, two in options.changes().items() if name not in found_out}
    print(changes(asked, sys.stdout))
    data, optim = options.data, options.optim
    _layers(options, model)
    device = describe(found.device, options.run.gpu_ids).removeprefix("device: ")
    batch = _batch(data.batch_size, options.model.norm, optim.scale_lr)
    networks = ", ".join(f"{name} {size:.3f} M" for name, size in _millions(model).items())
    rows: Rows = [
        ("data", f"{count(found.images, 'image')} ({data.dataset_mode}) in {data.dataroot}; {found.files}"),
        ("device", f"{device}; {found.arithmetic}"),
        ("model", f"{options.model.model}; parameters: {networks}"),
        ("training", f"{count(optim.last_epoch, 'epoch')}; {batch}; seed {options.run.seed}"),
        *place_rows(options),
        ("options", str(options.folder / "train_opt.txt")),
    ]  # fmt: skip
    print()
    print(*columns(rows, sys.stdout), sep="\n", end="\n\n")


def _layers(options: TrainOptions, model: Resumable) -> None:
    if options.run.verbose:
        for network in model.networks().values():
            print(network)


def _millions(model: Resumable) -> dict[str, float]:
    """Counts the parameters of each network, in millions."""
    return {
        name: sum(p.numel() for p in network.parameters()) / 1e6
        for name, network in model.networks().items()
    }


def _batch(batch_size: int, norm: str, scale_lr: bool) -> str:
    """Words how many images a step sees, and over which of them norms take their statistics."""
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
