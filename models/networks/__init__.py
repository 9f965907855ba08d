"""Networks by name. A new one is a file of its own: with a line here, or as <name>_generator.py or <name>_discriminator.py."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from torch import nn

from models.networks.norms import init_weights
from models.networks.patchgan import MultiScale, PatchGAN, PixelGAN
from models.networks.projected import ProjectedDiscriminator
from models.networks.resnet import ResnetGenerator
from models.networks.spectral_norm import normalize_spectrally
from models.networks.unet import UnetGenerator
from options.base_options import ModelOptions
from options.model_options import network_options
from options.registry import find_class

UNET_DOWNS = {64: 6, 128: 7, 256: 8, 512: 9, 1024: 10}

GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "resnet_9blocks": partial(ResnetGenerator, n_blocks=9),
    "resnet_6blocks": partial(ResnetGenerator, n_blocks=6),
    **{f"unet_{size}": partial(UnetGenerator, num_downs=n) for size, n in UNET_DOWNS.items()},
    **{
        f"encoder_decoder_{size}": partial(UnetGenerator, num_downs=n, skip=False)
        for size, n in UNET_DOWNS.items()
    },
}
DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "basic": partial(PatchGAN, n_layers=3),
    "n_layers": PatchGAN,
    "pixel": PixelGAN,
    "projected": ProjectedDiscriminator,
}


def define_G(
    input_nc: int,
    output_nc: int,
    ngf: int,
    netG: str,
    norm: str = "batch",
    use_dropout: bool = False,
    init_type: str = "normal",
    init_gain: float = 0.02,
    gpu_ids: Sequence[int] = (),
    *,
    upsample: str = "transposed",
    antialias: bool = False,
    antialias_up: bool = False,
    **flags: Any,
) -> nn.Module:
    """Builds and initialises a generator on the CPU: (N, input_nc, H, W) -> (N, output_nc, H, W) in [-1, 1].

    Its `size_multiple` is what H and W must be divisible by.

    Args:
        gpu_ids: not used: models are moved as a whole. The original code has it in this place.
        antialias, antialias_up: as of ResnetGenerator; networks that do not have them stay as they are.
        flags: of a network in a file of its own, see `own_flags`.
    Raises: ValueError for an unknown name.
    """
    build = _choose(GENERATORS, netG, "generator")
    changed: dict[str, Any] = {} if upsample == "transposed" else {"upsample": upsample}
    changed |= _known(build, antialias=antialias, antialias_up=antialias_up)
    network = build(
        input_nc, output_nc, ngf, norm=norm, use_dropout=use_dropout, **changed, **flags
    )
    init_weights(network, init_type, init_gain)
    return network


def define_D(
    input_nc: int,
    ndf: int,
    netD: str,
    n_layers_D: int = 3,
    norm: str = "batch",
    init_type: str = "normal",
    init_gain: float = 0.02,
    gpu_ids: Sequence[int] = (),
    *,
    num_D: int = 1,
    spectral_norm: bool = False,
    antialias: bool = False,
    condition_nc: int = 0,
    **flags: Any,
) -> nn.Module:
    """Builds and initialises a discriminator on the CPU: (N, input_nc, H, W) -> logits (N, num_D, H', W'), with num_D of them at as many scales.

    Its `smallest_input` is the least H and W.

    Args:
        gpu_ids: not used, as of `define_G`.
        spectral_norm: whether weights are divided by their largest singular value, as those of projected always are.
        antialias, condition_nc: as of PatchGAN and ProjectedDiscriminator; networks that do not have them stay as they are.
        flags: of a network in a file of its own, see `own_flags`.
    Raises: ValueError for an unknown name.
    """
    build = _choose(DISCRIMINATORS, netD, "discriminator")
    more = {"n_layers": n_layers_D} if netD == "n_layers" else flags
    more = {**more, **_known(build, antialias=antialias, condition_nc=condition_nc)}
    networks = [build(input_nc, ndf, norm=norm, **more) for _ in range(num_D)]
    network = networks[0] if num_D == 1 else MultiScale(networks)
    init_weights(network, init_type, init_gain)
    if spectral_norm or netD == "projected":
        normalize_spectrally(network)
    return network


def own_flags(kind: str, name: str, options: ModelOptions) -> dict[str, Any]:
    """Returns the flags that a network in a file of its own declares, with the values that the options have."""
    group = network_options(kind, name)
    names = [field.name for field in fields(group)] if group else []
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def _known(build: Callable[..., nn.Module], **given: int) -> dict[str, int]:
    """Those arguments that are not 0 or False and that the network has."""
    parameters = inspect.signature(build).parameters
    return {name: value for name, value in given.items() if value and name in parameters}


def _choose(
    networks: dict[str, Callable[..., nn.Module]], name: str, kind: str
) -> Callable[..., nn.Module]:
    return networks.get(name) or find_class("models.networks", kind, name, networks)
