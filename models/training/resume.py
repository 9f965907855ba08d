"""Starts a run from its saved state (--continue_train), from given weights (--init_from), or afresh."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.base_model import BaseModel
from models.inference.find_generator import find_label, saved_flags
from models.networks.weights import load_network
from options.flags import flat
from options.saved import OPTIONS_FILE
from options.train_options import TrainOptions
from options.wording import count
from util import distributed
from util.checkpoints import files as checkpoint
from util.checkpoints.inference_settings import InferenceSettings, parse_settings
from util.checkpoints.names import (
    PREVIOUS_STATE,
    STATE_FILE,
    list_networks,
    network_path,
    parse_network_path,
)
from util.checkpoints.restore import read_state, restore, restore_own
from util.checkpoints.state import complete_networks, own_part, standing, versions
from util.distributed.launch import job
from util.errors import InputError, SharedError
from util.training.progress import Progress


@dataclass
class Start:
    """The point at which a run starts.

    Attributes:
        notes: what to tell the user; [] for a fresh start.
        source: what it goes on from; "" for a fresh start.
        exactly: whether it goes on as if it had never stopped, so that what it has logged since is void.
        restarted: whether torchrun has restarted it after a failure, with the command of its first start.
        everyone: what each process had of its own, the first one first; [] where no state was read.
        settings: how the saved weights were best used; None where that is not known.
    """

    notes: list[str]
    source: str = ""
    exactly: bool = False
    restarted: bool = False
    everyone: list[dict[str, Any]] = field(default_factory=list)
    settings: InferenceSettings | None = None


def resume(model: BaseModel, progress: Progress, options: TrainOptions, epoch_images: int) -> Start:
    """Puts model and progress where training starts; only the first process reads files.

    --continue_train takes the whole state, or weights alone where there is no more; with --epoch or
    --load_iter the weights of that label, with fresh optimizers. --epoch_count always decides the epoch.
    A run that torchrun restarts goes on from its own state, whatever its command says.
    Raises: InputError when something does not fit, or nothing is left to train.
    """
    if distributed.is_active():
        _check_folder(options.folder)
    start = distributed.from_main(lambda: _start(model, progress, options, epoch_images))
    if distributed.is_active():
        state = distributed.from_main(lambda: standing(model, progress))
        own = {name: item.state_dict() for name, item in model.own_state().items()}
        if not distributed.is_main():
            state["stateful"] |= own
            restore(state, model, progress, options.folder)
    if start.everyone:
        restore_own(start.everyone, model, progress, options.folder)
    progress.epoch_images = epoch_images
    return start


def _check_folder(folder: Path) -> None:
    """Checks that the first process, which may be on another machine after a restart, sees what was saved."""
    seen = distributed.gather(os.path.exists(folder / STATE_FILE))
    if any(seen) and not seen[0]:
        raise SharedError(
            f"process {seen.index(True)} sees a saved state in {folder} on its machine, and the first process does "
            "not: --checkpoints_dir has to be one folder that all machines share"
        )


def _start(model: BaseModel, progress: Progress, options: TrainOptions, epoch_images: int) -> Start:
    """Does what `resume` does in the first process."""
    checkpoint.finish_start(options.folder)
    if state := _state_of_this_job(options.folder):
        start = _restore(state, model, progress, options)
        start.restarted = True
    elif options.optim.continue_train and _has_saves(options):
        start = _continue(model, progress, options)
    else:
        start = Start([])
        if options.optim.init_from:
            start.notes += init_from(model, Path(options.optim.init_from), options.run.label)
        if options.optim.continue_train:
            start.notes.append(_nothing_yet(options.folder))
            # Where there are options of ours, it is this run that was killed.
            start.exactly = (options.folder / OPTIONS_FILE).exists()
    if "epoch_count" in options.explicit and not start.restarted:
        start.exactly = False
        progress.epoch, progress.position, progress.seen = options.optim.epoch_count, 0, 0
        progress.metric_sum, progress.metric_steps = 0.0, 0
        for own in start.everyone:
            own["position"] = 0
        del progress.metric[progress.epoch - 1 :]
    if start.source:
        start.notes.insert(0, f"{start.source}, in epoch {progress.epoch}")
    if start.restarted:
        start.notes.insert(0, "restarted by torchrun")
    finished = progress.epoch > options.optim.last_epoch
    if finished and start.restarted:  # killed between its last save and its end
        start.notes.append(
            "all its epochs were done; for a new run give torchrun another --rdzv-id, or train.py another --name"
        )
    elif finished:
        raise InputError(
            f"{options.folder} has finished its {count(options.optim.last_epoch, 'epoch')}: "
            "to train longer, raise --n_epochs or --n_epochs_decay"
        )
    if progress.epoch_images not in (0, epoch_images):
        start.notes.append(
            f"note: an epoch had {count(progress.epoch_images, 'image')} when this run was saved, and has "
            f"{epoch_images}: their order is another from here on"
        )
    return start


def _state_of_this_job(folder: Path) -> dict[str, Any] | None:
    """Reads what processes saved that torchrun had started before these; None where there is nothing."""
    if not job() or not (folder / STATE_FILE).exists():
        return None
    try:
        state = read_state(folder / STATE_FILE)
    except InputError:  # of an earlier run, or --continue_train will complain
        return None
    return state if state["job"] == job() else None


def _label(options: TrainOptions) -> str:
    """Returns which of the run's own checkpoints was asked for; with --init_from, --epoch is about those given there."""
    return "latest" if options.optim.init_from else options.run.label


def _has_saves(options: TrainOptions) -> bool:
    """Tells whether there is something to continue, or something definite was asked for."""
    folder = options.folder
    if _label(options) != "latest" or (folder / STATE_FILE).exists():
        return True
    labels = {file.label for file in list_networks(folder)}
    if "latest" in labels:
        return True
    # Numbered files alone: those of an earlier run, or the user has to choose one.
    earlier = "previous" in labels or (folder / PREVIOUS_STATE).exists()
    return bool(labels) and not earlier


def _nothing_yet(folder: Path) -> str:
    """Says that a run starts afresh: the same command must do for one that was killed before its first save."""
    text = f"{folder} holds no checkpoint yet: starting from the beginning"
    if folder.is_dir() or not folder.parent.is_dir():
        return text
    others = sorted(entry.name for entry in folder.parent.iterdir() if entry.is_dir())
    return text + (f" (runs in {folder.parent}: {', '.join(others[:8])})" if others else "")


def _continue(model: BaseModel, progress: Progress, options: TrainOptions) -> Start:
    path = options.folder / STATE_FILE
    if _label(options) != "latest" or not path.exists():
        label = _label(options)
        text = load_label(model, options.folder, label)
        if label.isdecimal():
            progress.epoch = int(label) + 1
        return Start([], f"{text}, with fresh optimizers")
    return _restore(read_state(path), model, progress, options)


def _restore(
    state: dict[str, Any], model: BaseModel, progress: Progress, options: TrainOptions
) -> Start:
    folder = options.folder
    try:
        restore(state, model, progress, folder / STATE_FILE)
    except InputError as error:
        unlike = [
            f"this run was made with --{name} {before}, not {now}"
            for name, before, now in _changes(state["flags"], flat("train", options.model))
        ]
        raise InputError("\n".join([*unlike, str(error)])) from None
    saved = state["networks"]
    networks = {name: saved[name] for name in model.saved_networks() if name in saved}
    complete_networks(folder, {**state, "networks": networks})
    source = f"continuing {folder} after {count(progress.run_images, 'image')}"
    lines = [
        f"note: --{name} was {before} when this run was saved, and is {now} from here on"
        for name, before, now in _changes(
            {"precision": "fp32", **state["flags"]},  # what runs were before they had a choice
            {**options.learning(), "precision": str(model.execution.precision)},
        )
    ]
    lines += [
        f"note: {name} was {before} and is {now}: results may differ in the last bit"
        for name, before, now in _changes(state["versions"], versions())
    ]
    first = own_part(model, progress)
    if state["other_processes"] and state["first_position"] is not None:
        first["position"] = state["first_position"]
    everyone = [first, *state["other_processes"]]
    settings = parse_settings(state["inference"])
    return Start(lines, source, exactly=True, everyone=everyone, settings=settings)


def _changes(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, before, now) of everything that is not what the run was saved with."""
    both = [(name, saved[name], value) for name, value in now.items() if name in saved]
    return [change for change in both if change[1] != change[2]]


def init_from(model: BaseModel, source: Path, label: str) -> list[str]:
    """Loads what a folder of checkpoints, or one weights file, has for the networks of a fresh run."""
    files = _files_for(model, source, label)
    for name, path in files.items():
        load_network(model.networks()[name], path)
    lines = [f"network {name} starts from {path}" for name, path in files.items()]
    fresh = [name for name in model.networks() if name not in files]
    return [*lines, f"network {', '.join(fresh)}: fresh"] if fresh else lines


def _files_for(model: BaseModel, source: Path, label: str) -> dict[str, Path]:
    """Network -> weights file. A name that says nothing is taken for the first generator."""
    networks = list(model.networks())
    if source.is_file():
        file = parse_network_path(source)
        return {file.network if file and file.network in networks else networks[0]: source}
    if not source.is_dir():
        found = "it is neither a file nor a folder"
        raise InputError(
            f"--init_from {source}: {found if source.exists() else 'there is no such file or folder'}"
        )
    label = find_label(source, label, networks[0], saved_flags(source / OPTIONS_FILE))
    files = {name: network_path(source, label, name) for name in networks}
    files = {name: path for name, path in files.items() if path.exists()}
    alone = network_path(source, label, "G")  # one direction, as published
    if not files and alone.exists():
        files = {networks[0]: alone}
    if not any(name.startswith("G") for name in files):
        found = ", ".join(sorted(file.name for file in source.glob("*.pth"))[:8])
        wanted = network_path(source, label, networks[0]).name
        raise InputError(
            f"--init_from {source} holds no {wanted} (found: {found or 'no .pth files'}); give the file "
            "itself, or choose by --epoch or --load_iter"
        )
    return files


def load_label(model: BaseModel, folder: Path, label: str) -> str:
    """Loads <label>_net_*.pth; all but generators, which published models lack, may be missing. Returns what it did."""
    first = next(iter(model.networks()))
    label = find_label(folder, label, first, saved_flags(folder / OPTIONS_FILE))
    loaded, missing = [], []
    for name, network in model.networks().items():
        path = network_path(folder, label, name)
        if path.exists() or name.startswith("G"):
            load_network(network, path)
            loaded.append(name)
        else:
            missing.append(name)
    text = f"continuing from the {label} weights of {', '.join(loaded)} in {folder}"
    return text + (f" ({', '.join(missing)} not found: fresh)" if missing else "")
