"""Convolutions that double height and width, with and without checkerboards."""

from __future__ import annotations

from torch import nn

from models.networks.channels_last import ReflectionPad2d
from models.networks.cpu_convolutions import Conv2d


def up_convolution(transposed: nn.ConvTranspose2d, upsample: str) -> nn.Module:
    """A layer (N, C, H, W) -> (N, C', 2H, 2W) of the channels and bias of the transposed convolution.

    A transposed convolution adds a different number of terms to neighbouring pixels, which shows as a checkerboard
    (Odena, Dumoulin, Olah 2016: "Deconvolution and Checkerboard Artifacts"). The others double the image first, so
    that every pixel is made alike.

    Args:
        upsample: transposed (the layer itself), resize (nearest neighbours, then a 3x3 convolution) or blur (the
            doubled image is low-passed by [1, 2, 1] in both directions before the convolution, which makes it the
            bilinear one).
    """
    if upsample == "transposed":
        return transposed
    if upsample not in ("resize", "blur"):
        raise ValueError(f"--upsample {upsample!r} is unknown: choose transposed, resize or blur")
    low_pass: list[nn.Module] = []
    if upsample == "blur":  # [1, 1] twice is [1, 2, 1]; mirroring a doubled border repeats it
        low_pass = [ReflectionPad2d(1), nn.AvgPool2d(2, stride=1), nn.AvgPool2d(2, stride=1)]
    conv = Conv2d(
        transposed.in_channels, transposed.out_channels, 3, bias=transposed.bias is not None
    )
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"), *low_pass, ReflectionPad2d(1), conv
    )
