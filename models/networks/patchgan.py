"""Discriminators that judge patches: PatchGAN (Isola et al. 2017) and its one-pixel case."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.cpu_convolutions import Conv2d
from models.networks.norms import needs_bias, norm_layer


class PatchGAN(nn.Module):
    """(N, input_nc, H, W) -> logits (N, 1, H', W'): with n_layers 3, one for each 70x70 patch."""

    def __init__(
        self, input_nc: int, ndf: int = 64, norm: str = "batch", n_layers: int = 3
    ) -> None:
        super().__init__()
        layer, bias = norm_layer(norm), needs_bias(norm)
        layers: list[nn.Module] = [nn.Conv2d(input_nc, ndf, 4, stride=2, padding=1)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        width = ndf
        for n in range(1, n_layers + 1):
            wider = ndf * min(2**n, 8)
            stride = 2 if n < n_layers else 1
            layers += [Conv2d(width, wider, 4, stride=stride, padding=1, bias=bias)]
            layers += [layer(wider), nn.LeakyReLU(0.2, inplace=True)]
            width = wider
        layers += [nn.Conv2d(width, 1, 4, stride=1, padding=1)]
        self.model = nn.Sequential(*layers)
        self.smallest_input = 3 * 2**n_layers  # leaves one logit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


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
