"""A model ready to be trained on a device, in the fastest way that is safe there."""

from __future__ import annotations

import torch

from models import Adam, BaseModel, create_model
from models.engine.precision import select_precision
from options.train_options import TrainOptions
from util import distributed
from util.errors import InputError


def prepare_model(options: TrainOptions, device: torch.device) -> tuple[BaseModel, str]:
    """The model of the options, and how its steps will be computed, for people.

    Raises: InputError when the options do not fit each other or the device.
    """
    run = options.run
    model = create_model(
        options.model,
        adam=Adam(options.optim.lr, options.optim.beta1),
        seed=run.seed,
        device=device,
        precision=select_precision(run.precision, device),
    )
    if "crop" in options.data.preprocess:
        model.check_crop_size(options.data.crop_size)
    model.watches_health = options.log.log_health
    if options.optim.ema:
        model.average(options.optim.ema)
    if run.compile:
        _compile(model)
    why_not = _why_not_recorded(model, options, device)
    if why_not:
        return model, f"precision: {model.precision}; no CUDA graphs ({why_not})"
    model.record_steps()
    return model, f"precision: {model.precision}; steps are recorded as CUDA graphs"


def _compile(model: BaseModel) -> None:
    if model.options.gan_mode == "wgangp":
        raise InputError(
            "--compile does not go with --gan_mode wgangp, whose penalty needs second derivatives"
        )
    for network in model.networks().values():
        network.compile()


def _why_not_recorded(model: BaseModel, options: TrainOptions, device: torch.device) -> str:
    """What speaks against repeating steps as CUDA graphs, or ""."""
    reasons = {
        "no NVIDIA GPU": device.type != "cuda",
        "--no_cuda_graphs": options.run.no_cuda_graphs,
        "--deterministic": options.run.deterministic,
        "several processes": distributed.is_active(),
        "images of any size": "crop" not in options.data.preprocess,
    }
    against = next((reason for reason, holds in reasons.items() if holds), "")
    return against or model.why_not_recorded()
