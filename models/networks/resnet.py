"""The ResNet generator of CycleGAN (Zhu et al. 2017, after Johnson et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from models.networks.antialias import Downsample, Upsample
from models.networks.channels_last import ReflectionPad2d
from models.networks.cpu_convolutions import Conv2d
from models.networks.fused.layers import Fusion, can_run, run
from models.networks.norms import needs_bias, norm_layer
from models.networks.patch_sampler import encode
from models.networks.upsampling import up_convolution


class ResnetBlock(nn.Module):
    """x + conv-norm-ReLU-[dropout]-conv-norm(x), reflection-padded, with as many channels out as in."""

    def __init__(self, channels: int, norm: str, use_dropout: bool) -> None:
        super().__init__()
        layer, bias = norm_layer(norm), needs_bias(norm)
        self.conv_block = nn.Sequential(
            ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=bias),
            layer(channels),
            nn.ReLU(inplace=True),
            *([nn.Dropout(0.5)] if use_dropout else []),
            ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=bias),
            layer(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """(N, input_nc, H, W) -> (N, output_nc, H, W) in [-1, 1]; H and W multiples of 4.

    Two strided convolutions, n_blocks residual blocks at a quarter of the size, two that double it (`upsample`).

    Args:
        antialias: convolutions without stride, then a blur and every other pixel, in place of strided ones.
        antialias_up: bilinear doubling, then a convolution, in place of transposed ones; `upsample` goes first.
    """

    size_multiple = 4
    smallest_input = 8  # leaves the two pixels that its padding and norms need
    fusion: Fusion | None = None  # how it runs on an NVIDIA GPU; None for layer by layer

    def __init__(
        self,
        input_nc: int,
        output_nc: int,
        ngf: int = 64,
        norm: str = "batch",
        use_dropout: bool = False,
        n_blocks: int = 6,
        upsample: str = "transposed",
        antialias: bool = False,
        antialias_up: bool = False,
    ) -> None:
        super().__init__()
        layer, bias = norm_layer(norm), needs_bias(norm)

        def followed(conv: nn.Module, channels: int) -> list[nn.Module]:
            return [conv, layer(channels), nn.ReLU(inplace=True)]

        layers: list[nn.Module] = [ReflectionPad2d(3)]
        layers += followed(nn.Conv2d(input_nc, ngf, 7, bias=bias), ngf)
        for width in (ngf, 2 * ngf):
            stride = 1 if antialias else 2
            down = Conv2d(width, 2 * width, 3, stride=stride, padding=1, bias=bias)
            layers += followed(down, 2 * width)
            layers += [Downsample(2 * width)] if antialias else []
        layers += [ResnetBlock(4 * ngf, norm, use_dropout) for _ in range(n_blocks)]
        for width in (4 * ngf, 2 * ngf):
            if antialias_up and upsample == "transposed":
                conv = Conv2d(width, width // 2, 3, padding=1, bias=bias)
                layers += [Upsample(width), *followed(conv, width // 2)]
                continue
            up = nn.ConvTranspose2d(
                width, width // 2, 3, stride=2, padding=1, output_padding=1, bias=bias
            )
            layers += followed(up_convolution(up, upsample), width // 2)
        layers += [ReflectionPad2d(3), nn.Conv2d(ngf, output_nc, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        # Padded image, both convolutions that halve it, first and fifth block: what CUT compares.
        self.feature_layers = (0, 4, 8, 12, 16) if antialias else (0, 4, 7, 10, 14)

    def forward(self, x: torch.Tensor, numbers: Sequence[int] = ()) -> Any:
        """The output; with numbers of layers also their features, as `models.networks.patch_sampler.encode` gives them."""
        if numbers:
            layers = self.encoder()
            features, output = encode(layers, x, numbers, to_end=True, fusion=self.fusion)
            return output, features
        return run(self.model, x, self.fusion) if can_run(self.fusion, x) else self.model(x)

    def encoder(self) -> Sequence[nn.Module]:
        """The layers that `feature_layers` numbers, to be run one after the other; here all there are."""
        return list(self.model)
