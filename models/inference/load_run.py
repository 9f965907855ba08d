"""Loads a whole trained model for test.py: all generators of a run, used as its weights translate best."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from models import Execution
from models.base_model import BaseModel
from models.inference.find_generator import build_trained, find_label, sketch, uses_averaged
from models.networks.weights import architecture
from options.test_options import ARCHITECTURE, TestOptions
from util.checkpoints.files import load_weights
from util.checkpoints.inference_settings import InferenceSettings, read_settings
from util.checkpoints.names import network_path
from util.errors import InputError


def load_run(
    options: TestOptions, execution: Execution
) -> tuple[TestOptions, BaseModel, dict[str, Path]]:
    """Builds the model with its weights, on its device.

    It is in training mode where each image has its own statistics of batch norm, and dropout; in evaluation mode where
    those of training are used, without dropout.
    Returns: the options, completed from the weights; the model; network -> file of its weights.
    Raises: InputError when there are no weights, or none that fit.
    """
    names = list(sketch(options.model))
    label = find_label(options.folder, options.run.epoch, names[0], options.saved)
    options = dataclasses.replace(options, run=dataclasses.replace(options.run, epoch=label))
    settings = choose_settings(options, names[0])
    files = {
        name: network_path(
            options.folder,
            options.run.label,
            name,
            averaged=settings.averaged and name.startswith("G"),
        )
        for name in names
    }
    weights = {name: load_weights(path) for name, path in files.items()}
    options = _complete(options, files[names[0]], weights[names[0]])
    model = build_trained(options.model, files, weights, execution)
    return options, model.train(settings.norm_policy == "image"), files


def choose_settings(options: TestOptions, generator: str) -> InferenceSettings:
    """Returns how the weights are used: as the command line asks, or as training recorded."""
    folder, label, result = options.folder, options.run.label, options.result
    settings = read_settings(folder, label, options.saved)
    asked = result.use_ema if "use_ema" in options.explicit or result.use_ema else None
    averaged = uses_averaged(folder, label, generator, settings, asked)
    settings = settings.for_weights(averaged, options.saved)
    policy = settings.norm_policy if result.norm_policy == "auto" else result.norm_policy
    if "eval" in options.explicit or result.eval:
        policy = "running" if result.eval else "image"
    return dataclasses.replace(settings, norm_policy=policy)


def _complete(options: TestOptions, path: Path, weights: Mapping[str, torch.Tensor]) -> TestOptions:
    """Returns the options, with the networks' shape as the weights themselves and the run's options.json tell it."""
    saved = {name: options.saved[name] for name in ARCHITECTURE if name in options.saved}
    known = {**saved, **architecture(weights, saved)}
    for name in sorted(options.explicit & known.keys()):
        if getattr(options.model, name) != known[name]:
            logging.warning(
                "--%s %s is used as asked, but this checkpoint was made with %s",
                name,
                getattr(options.model, name),
                known[name],
            )
    taken = {name: value for name, value in known.items() if name not in options.explicit}
    try:
        return dataclasses.replace(options, model=dataclasses.replace(options.model, **taken))
    except ValueError as error:
        raise InputError(f"{path} holds no generator that can be built: {error}") from None
