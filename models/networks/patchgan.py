"""Discriminators that judge patches: PatchGAN (Isola et al. 2017) and its one-pixel case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.antialias import Downsample
from models.networks.cpu_convolutions import Conv2d
from models.networks.fused.layers import Fusion, can_run, run
from models.networks.norms import needs_bias, norm_layer


class PatchGAN(nn.Module):
    """(N, input_nc, H, W) -> logits (N, 1, H', W'): with n_layers 3, one for each 70x70 patch.

    antialias: convolutions without stride, then a blur and every other pixel, in place of strided ones.
    """

    fusion: Fusion | None = None  # how it runs on an NVIDIA GPU; None for layer by layer

    def __init__(
        self,
        input_nc: int,
        ndf: int = 64,
        norm: str = "batch",
        n_layers: int = 3,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        layer, bias = norm_layer(norm), needs_bias(norm)
        stride = 1 if antialias else 2
        layers: list[nn.Module] = [nn.Conv2d(input_nc, ndf, 4, stride=stride, padding=1)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        layers += [Downsample(ndf)] if antialias else []
        width = ndf
        for n in range(1, n_layers + 1):
            wider = ndf * min(2**n, 8)
            halves = n < n_layers
            conv_stride = stride if halves else 1
            layers += [Conv2d(width, wider, 4, stride=conv_stride, padding=1, bias=bias)]
            layers += [layer(wider), nn.LeakyReLU(0.2, inplace=True)]
            layers += [Downsample(wider)] if antialias and halves else []
            width = wider
        layers += [nn.Conv2d(width, 1, 4, stride=1, padding=1)]
        self.model = nn.Sequential(*layers)
        self.smallest_input = 3 * 2**n_layers  # leaves one logit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return run(self.model, x, self.fusion) if can_run(self.fusion, x) else self.model(x)

    def features(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
        """One list: the activations of every layer, then the logits."""
        return [activations(self.model, x)]


class PixelGAN(nn.Module):
    """(N, input_nc, H, W) -> logits (N, 1, H, W): every pixel judged by itself."""

    smallest_input = 1

    def __init__(self, input_nc: int, ndf: int = 64, norm: str = "batch") -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.net = nn.Sequential(
            nn.Conv2d(input_nc, ndf, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, 2 * ndf, 1, bias=bias),
            norm_layer(norm)(2 * ndf),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * ndf, 1, 1, bias=bias),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)

    def features(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
        """One list: the activations of every layer, then the logits."""
        return [activations(self.net, x)]


class MultiScale(nn.Module):
    """Discriminators of one kind at several scales, each on the image at half the size of the one before.

    (N, input_nc, H, W) -> logits (N, number of scales, H', W'): those of coarse scales are enlarged to the finest map,
    so that every scale has the same say in a mean (Wang et al. 2018, pix2pixHD, section 3.2).

    Args:
        scales: networks with `features`, from the finest scale to the coarsest.
    """

    def __init__(self, scales: Sequence[nn.Module]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(scales)
        self.smallest_input = scales[0].smallest_input * 2 ** (len(scales) - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.join_logits(
            [scale(image) for scale, image in zip(self.scales, self.pyramid(x), strict=True)]
        )

    def features(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
        """A list for every scale: the activations of every layer, then the logits."""
        scales: Any = self.scales
        return [
            scale.features(image)[0] for scale, image in zip(scales, self.pyramid(x), strict=True)
        ]

    def pyramid(self, x: torch.Tensor) -> list[torch.Tensor]:
        """x and its halved versions, one for every scale."""
        images = [x]
        for _ in self.scales[1:]:
            images.append(F.avg_pool2d(images[-1], 3, stride=2, padding=1, count_include_pad=False))
        return images

    @staticmethod
    def join_logits(logits: Sequence[torch.Tensor]) -> torch.Tensor:
        """(N, 1, H', W') of every scale -> (N, scales, H', W') at the size of the first."""
        size = logits[0].shape[-2:]
        return torch.cat([logits[0], *(F.interpolate(one, size) for one in logits[1:])], dim=1)


def activations(layers: nn.Sequential, x: torch.Tensor) -> list[torch.Tensor]:
    """What every LeakyReLU gives, then the output."""
    found = []
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU):
            found.append(x)
    return [*found, x]
