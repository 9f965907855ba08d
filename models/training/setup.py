"""Setting up a model to train on a device, in the fastest way that is safe there."""

from __future__ import annotations

import torch

from models import Adam, BaseModel, Execution, create_model
from models.engine.precision import select_precision
from models.networks.fused.layers import Fusion, fuse_layers
from options.train_options import TrainOptions
from util import distributed
from util.errors import InputError


def prepare_model(options: TrainOptions, device: torch.device) -> tuple[BaseModel, str]:
    """Builds the model of the options; returns it, and a line on how its steps are computed.

    Raises: InputError when the options do not fit each other or the device.
    """
    run = options.run
    obstacle = _obstacle_to_graphs(options, device)
    execution = Execution(
        device,
        select_precision(run.precision, device),
        health=options.log.log_health,
        cuda_graphs=not obstacle,
        two_streams=not obstacle,
        cast_once=not obstacle and not run.compile,
    )
    adam = Adam(options.optim.lr, options.optim.beta1, beta2=options.optim.beta2)
    model = create_model(options.model, adam=adam, seed=run.seed, execution=execution)
    if "crop" in options.data.preprocess:
        model.check_crop_size(options.data.crop_size)
    if options.data.nodata and not leaves_out_missing(model):
        raise InputError(
            f"--nodata does not work with --model {options.model.model}, whose losses count every pixel: use pix2pix or "
            "cycle_gan (a model of your own that leaves pixels out says so by leaves_out_missing)"
        )
    if run.compile:
        _compile(model)
    obstacle = obstacle or model.why_not_recorded()
    if obstacle:
        return model, f"precision: {execution.precision}; no CUDA graphs ({obstacle})"
    fused = not run.compile and fuse_layers(model, Fusion())
    graphs = f"steps are recorded as CUDA graphs{', of fused layers' if fused else ''}"
    return model, f"precision: {execution.precision}; {graphs}"


def leaves_out_missing(model: BaseModel) -> bool:
    """Tells whether the model's own class, and not one that it extends, says that its losses leave pixels out."""
    return bool(vars(type(model)).get("leaves_out_missing"))


def _compile(model: BaseModel) -> None:
    penalties = {"--gan_mode wgangp": model.options.gan_mode == "wgangp"}
    penalties["--r1"] = getattr(model.options, "r1", 0) > 0
    for flag, used in penalties.items():
        if used:
            raise InputError(
                f"--compile does not work with {flag}, whose penalty needs second derivatives"
            )
    for network in model.networks().values():
        network.compile()


def _obstacle_to_graphs(options: TrainOptions, device: torch.device) -> str:
    """Names what keeps steps from being recorded as CUDA graphs, whatever the model; "" for nothing."""
    reasons = {
        "no NVIDIA GPU": device.type != "cuda",
        "--no_cuda_graphs": options.run.no_cuda_graphs,
        "--deterministic": options.run.deterministic,
        "several processes": distributed.is_active(),
        "images of any size": "crop" not in options.data.preprocess,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
