"""Weights files -> networks: what a file was made with, and the small repairs that old files need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from options.registry import has_file
from util.checkpoints.files import describe_misfit, load_weights
from util.errors import InputError

Weights = Mapping[str, torch.Tensor]
# --upsample -> place of the convolution in what `up_convolution` returns
CONVOLUTION = {"resize": 2, "blur": 5}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def describe_generator(weights: Weights) -> dict[str, Any]:
    """Flags that fit a generator's weights: netG, norm, ngf, input_nc, output_nc, upsample and, for a ResNet, no_dropout,
    no_antialias and no_antialias_up.

    A U-Net's dropout leaves no trace; neither does instance norm, which is assumed where biases stand
    without batch norm. Returns {} for weights of no generator known here.
    """
    try:
        if "model.model.0.weight" in weights:
            return _describe_unet(weights)
        if "model.1.weight" in weights and any(".conv_block." in key for key in weights):
            return _describe_resnet(weights)
    except (KeyError, IndexError, ValueError):  # some keys as in ours, others missing
        pass
    return {}


def architecture(weights: Weights, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `describe_generator`, with the norm that training was told, which the weights do not always show.

    {} for a generator in a file of its own, which may only look like ours.
    """
    if has_file("models.networks", "generator", str(flags.get("netG", ""))):
        return {}
    found = describe_generator(weights)
    return {**found, "norm": flags["norm"]} if found and "norm" in flags else found


def _describe_resnet(weights: Weights) -> dict[str, Any]:
    blocks = {int(key.split(".")[1]) for key in weights if ".conv_block." in key}
    first = weights["model.1.weight"]
    # The second convolution is number 5 of its block, or 6 behind a dropout layer.
    plain = weights.get(f"model.{min(blocks)}.conv_block.5.weight")
    filters = {int(key.split(".")[1]) for key in weights if key.endswith(".filt")}
    last = max(int(key.split(".")[1]) for key in weights if re.match(r"model\.\d+\.", key))
    return {
        "netG": f"resnet_{len(blocks)}blocks",
        "norm": _norm(weights, "model.2", "model.1.bias"),
        "no_dropout": plain is not None and plain.dim() == 4,
        "no_antialias": not any(number < min(blocks) for number in filters),
        "no_antialias_up": not any(number > max(blocks) for number in filters),
        "upsample": _upsample(weights, r"model\.\d+"),
        "ngf": first.shape[0],
        "input_nc": first.shape[1],
        "output_nc": weights[f"model.{last}.weight"].shape[0],
    }


def _describe_unet(weights: Weights) -> dict[str, Any]:
    upsample = _upsample(weights, r"model\.model\.3")
    first = weights["model.model.0.weight"]
    if upsample == "transposed":
        (inner_nc, output_nc) = weights["model.model.3.weight"].shape[:2]
    else:
        last = weights[f"model.model.3.{CONVOLUTION[upsample]}.weight"]
        (output_nc, inner_nc) = last.shape[:2]
    depth = max(key.count("model.") for key in weights) - 1
    family = "unet" if inner_nc == 2 * first.shape[0] else "encoder_decoder"
    return {
        "netG": f"{family}_{2**depth}",
        "norm": _norm(weights, "model.model.1.model.2", "model.model.0.bias"),
        "ngf": first.shape[0],
        "input_nc": first.shape[1],
        "output_nc": output_nc,
        "upsample": upsample,
    }


def _upsample(weights: Weights, place: str) -> str:
    """Finds how layers of these names double the image, from the layers in front of their convolution."""
    for upsample, number in CONVOLUTION.items():
        if any(re.fullmatch(rf"{place}\.{number}\.weight", key) for key in weights):
            return upsample
    return "transposed"


def _norm(weights: Weights, layer: str, bias: str) -> str:
    if f"{layer}.weight" in weights:
        return "batch"
    return "instance" if bias in weights else "none"


def load_network(network: nn.Module, path: Path) -> None:
    """Loads a weights file, ours, the original code's or a published one, into the network.

    Raises: InputError as `fit_weights`.
    """
    network.load_state_dict(fit_weights(load_weights(path), network, path))


def fit_weights(given: Weights, network: nn.Module, path: Path) -> dict[str, torch.Tensor]:
    """Returns the weights of a file as the network's state_dict; the network may lie on the meta device.

    Statistics that old files carry for instance norm are dropped; biases that files trained with norm
    `none` lack become zero.
    Raises: InputError that says how the file differs, as flags where it can.
    """
    own = network.state_dict()
    weights = {
        key: value for key, value in given.items() if key in own or not key.endswith(STATISTICS)
    }
    has_norm = any(isinstance(m, (nn.modules.batchnorm._NormBase)) for m in network.modules())
    for key, value in own.items():
        if key.endswith(".bias") and not has_norm:
            weights.setdefault(key, torch.zeros_like(value))
        elif key.endswith("num_batches_tracked"):
            weights.setdefault(key, value)  # files from before PyTorch 0.4.1 lack the counter
    if misfit := describe_misfit(weights, own):
        raise InputError(f"{path} does not fit this network: {_advice(given, own) or misfit}")
    return weights


def _advice(weights: Weights, own: Weights) -> str:
    """Names the flags that would have to change, where both are generators."""
    found, asked = describe_generator(weights), describe_generator(own)
    if not found or not asked:
        return ""
    changes = []
    for name, value in found.items():
        if name not in asked or asked[name] == value:
            continue
        if name.startswith("no_"):
            changes.append(f"--{name if value else name.removeprefix('no_')}")
        else:
            changes.append(f"--{name} {value} (not {asked[name]})")
    return "it was made with " + ", ".join(changes) if changes else ""
