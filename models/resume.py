"""--continue_train: from the saved state, or from weights alone where that is all there is."""

from __future__ import annotations

from models.base_model import BaseModel
from models.loading import load_network
from options.train_options import TrainOptions
from util import checkpoint
from util.errors import InputError
from util.run_state import Progress, load_state


def resume(model: BaseModel, progress: Progress, options: TrainOptions) -> str:
    """Puts model and progress where training goes on; returns what to tell the user, "" for a fresh start.

    --epoch or --load_iter choose weights of that label, with fresh optimizers; --epoch_count always
    decides the epoch.
    Raises: InputError when there is nothing to continue, or nothing left to train.
    """
    text = ""
    if options.optim.continue_train:
        whole = options.run.label == "latest" and (options.folder / checkpoint.STATE_FILE).exists()
        if whole:
            load_state(options.folder, model, progress)
            text = f"continuing {options.folder} after {progress.run_images} images"
        else:
            text = _load_weights(model, progress, options)
    if "epoch_count" in options.explicit:
        progress.epoch, progress.position = options.optim.epoch_count, 0
        progress.metric_sum, progress.metric_steps = 0.0, 0
    if progress.epoch > options.optim.last_epoch:
        raise InputError(
            f"{options.folder} has finished its {options.optim.last_epoch} epochs: "
            "to train longer, raise --n_epochs or --n_epochs_decay"
        )
    return f"{text}, in epoch {progress.epoch}" if text else ""


def _load_weights(model: BaseModel, progress: Progress, options: TrainOptions) -> str:
    """Loads <label>_net_*.pth; discriminators, which published models lack, may be missing."""
    label, folder = options.run.label, options.folder
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
    return f"{text}, with fresh optimizers"
