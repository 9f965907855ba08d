"""Names -> networks. A new network is its own file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from models.networks.norms import init_weights
from models.networks.patchgan import MultiScale, PatchGAN, PixelGAN
from models.networks.resnet import ResnetGenerator
from models.networks.unet import UnetGenerator

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
    upsample: str = "transposed",
) -> nn.Module:
    """An initialised generator on the CPU: (N, input_nc, H, W) -> (N, output_nc, H, W) in [-1, 1].

    Its `size_multiple` is what H and W must be divisible by. Raises: ValueError for an unknown name.
    """
    changed = {} if upsample == "transposed" else {"upsample": upsample}
    network = _choose(GENERATORS, netG, "netG")(
        input_nc, output_nc, ngf, norm=norm, use_dropout=use_dropout, **changed
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
    num_D: int = 1,
) -> nn.Module:
    """An initialised discriminator on the CPU: (N, input_nc, H, W) -> logits (N, num_D, H', W'), with num_D of them at as many scales.

    Its `smallest_input` is the least H and W. Raises: ValueError for an unknown name.
    """
    build = _choose(DISCRIMINATORS, netD, "netD")
    layers = {"n_layers": n_layers_D} if netD == "n_layers" else {}
    networks = [build(input_nc, ndf, norm=norm, **layers) for _ in range(num_D)]
    network = networks[0] if num_D == 1 else MultiScale(networks)
    init_weights(network, init_type, init_gain)
    return network


def _choose(
    networks: dict[str, Callable[..., nn.Module]], name: str, flag: str
) -> Callable[..., nn.Module]:
    if name not in networks:
        raise ValueError(f"--{flag} {name!r} is unknown: choose from {', '.join(networks)}")
    return networks[name]
