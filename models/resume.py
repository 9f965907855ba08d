"""Where a run starts: from its saved state (--continue_train), from given weights (--init_from), or fresh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.base_model import BaseModel
from models.loading import load_network
from options.flags import flat
from options.train_options import TrainOptions
from util import checkpoint, distributed
from util.errors import InputError
from util.run_state import Progress, complete_networks, load_state, versions

NETWORK_FILE = re.compile(r".+_net_(.+)\.pth")


@dataclass
class Start:
    """Where a run starts.

    Attributes:
        notes: what to tell the user; [] for a fresh start.
        exactly: whether it goes on as if it had never stopped, so that what it has logged since is void.
    """

    notes: list[str]
    exactly: bool = False


def resume(model: BaseModel, progress: Progress, options: TrainOptions, epoch_images: int) -> Start:
    """Puts model and progress where training starts.

    --continue_train takes the whole state, or weights alone where there is no more; with --epoch or
    --load_iter the weights of that label, with fresh optimizers. --epoch_count always decides the epoch.
    Raises: InputError when something does not fit, or nothing is left to train.
    """
    if options.optim.continue_train and _has_saves(options):
        start = _continue(model, progress, options)
    else:
        start = Start([])
        if options.optim.init_from:
            start.notes += _init_from(model, Path(options.optim.init_from), options.run.label)
        if options.optim.continue_train:
            start.notes.append(_nothing_yet(options.folder))
            # Where there are options of ours, it is this run that was killed.
            start.exactly = (options.folder / "options.json").exists()
    if "epoch_count" in options.explicit:
        start.exactly = False
        progress.epoch, progress.position = options.optim.epoch_count, 0
        progress.metric_sum, progress.metric_steps = 0.0, 0
        del progress.metric[progress.epoch - 1 :]
    if progress.epoch > options.optim.last_epoch:
        raise InputError(
            f"{options.folder} has finished its {options.optim.last_epoch} epochs: "
            "to train longer, raise --n_epochs or --n_epochs_decay"
        )
    if progress.epoch_images not in (0, epoch_images):
        start.notes.append(
            f"note: an epoch had {progress.epoch_images} images when this run was saved, and has "
            f"{epoch_images}: their order is another from here on"
        )
    progress.epoch_images = epoch_images
    return start


def _label(options: TrainOptions) -> str:
    """Which of the run's own checkpoints was asked for; with --init_from, --epoch is about those given there."""
    return "latest" if options.optim.init_from else options.run.label


def _has_saves(options: TrainOptions) -> bool:
    """Whether there is something to continue, or something definite was asked for."""
    folder = options.folder
    if _label(options) != "latest" or (folder / checkpoint.STATE_FILE).exists():
        return True
    if any(folder.glob("latest_net_*.pth")):
        return True
    # Numbered files alone: those of an earlier run, or the user has to choose one.
    return any(folder.glob("*_net_*.pth")) and not (folder / checkpoint.PREVIOUS_STATE).exists()


def _nothing_yet(folder: Path) -> str:
    """The same command must do for a run that was killed before its first save."""
    text = f"{folder} holds no checkpoint yet: starting from the beginning"
    if folder.is_dir() or not folder.parent.is_dir():
        return text
    others = sorted(entry.name for entry in folder.parent.iterdir() if entry.is_dir())
    return text + (f" (runs in {folder.parent}: {', '.join(others[:8])})" if others else "")


def _continue(model: BaseModel, progress: Progress, options: TrainOptions) -> Start:
    folder = options.folder
    if _label(options) != "latest" or not (folder / checkpoint.STATE_FILE).exists():
        return Start([_load_weights(model, progress, options)])
    try:
        state = load_state(folder, model, progress)
    except InputError as error:
        raise InputError("\n".join([str(error), *_flags_that_may_not_fit(options)])) from None
    if distributed.is_main():
        complete_networks(folder, state)
    lines = [
        f"continuing {folder} after {progress.run_images} images, in epoch {progress.epoch}",
        *(
            f"note: --{name} was {before} when this run was saved, and is {now} from here on"
            for name, before, now in _changes(
                {"precision": "fp32", **state["flags"]},  # what runs were before they had a choice
                {**options.learning(), "precision": str(model.precision)},
            )
        ),
    ]
    lines += [
        f"note: {name} was {before} and is {now}: results may differ in the last bit"
        for name, before, now in _changes(state["versions"], versions())
    ]
    return Start(lines, exactly=True)


def _changes(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, before, now) of everything that is not what the run was saved with."""
    return [
        (name, saved[name], value)
        for name, value in now.items()
        if name in saved and saved[name] != value
    ]


def _flags_that_may_not_fit(options: TrainOptions) -> list[str]:
    """The changed flags of the model, to say why a state was refused; none if the file is damaged."""
    try:
        state = checkpoint.load(options.folder / checkpoint.STATE_FILE)
        saved = state["flags"]
    except (InputError, KeyError, TypeError):
        return []
    return [
        f"this run was made with --{name} {before}, not {now}"
        for name, before, now in _changes(saved, flat("train", options.model))
    ]


def _init_from(model: BaseModel, source: Path, label: str) -> list[str]:
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
        match = NETWORK_FILE.fullmatch(source.name)
        return {match[1] if match and match[1] in networks else networks[0]: source}
    if not source.is_dir():
        raise InputError(f"--init_from {source}: there is no such file or folder")
    files = {name: checkpoint.network_path(source, label, name) for name in networks}
    files = {name: path for name, path in files.items() if path.exists()}
    alone = checkpoint.network_path(source, label, "G")  # one direction, as published
    if not files and alone.exists():
        files = {networks[0]: alone}
    if not any(name.startswith("G") for name in files):
        found = ", ".join(sorted(file.name for file in source.glob("*.pth"))[:8])
        wanted = checkpoint.network_path(source, label, networks[0]).name
        raise InputError(
            f"--init_from {source} holds no {wanted} (found: {found or 'no .pth files'}); give the file "
            "itself, or choose by --epoch or --load_iter"
        )
    return files


def _load_weights(model: BaseModel, progress: Progress, options: TrainOptions) -> str:
    """Loads <label>_net_*.pth; discriminators, which published models lack, may be missing."""
    label, folder = _label(options), options.folder
    loaded, missing = [], []
    for name, network in model.networks().items():
        path = checkpoint.network_path(folder, label, name)
        if path.exists() or not name.startswith("D"):
            load_network(network, path)
            loaded.append(name)
        else:
            missing.append(name)
    if label.isdecimal():
        progress.epoch = int(label) + 1
    text = f"continuing from the {label} weights of {', '.join(loaded)} in {folder}"
    if missing:
        text += f" ({', '.join(missing)} not found: fresh)"
    return f"{text}, with fresh optimizers, in epoch {progress.epoch}"
