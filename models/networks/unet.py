"""The U-Net generator of pix2pix (Isola et al. 2017), and its encoder-decoder without skips."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from models.networks.cpu_convolutions import ConvTranspose2d
from models.networks.norms import needs_bias, norm_layer
from models.networks.upsampling import up_convolution


class UnetBlock(nn.Module):
    """One level: halve, run the level below, double; with skip, the input is concatenated.

    Args:
        outer_nc: channels of the level above (of its input, and of this level's upsampled half).
        inner_nc: channels of this level's downsampled input.
        input_nc: channels that come in; only the outermost differs from outer_nc.
        submodule: the level below, None for the innermost.
    """

    def __init__(
        self,
        outer_nc: int,
        inner_nc: int,
        norm: str,
        *,
        submodule: nn.Module | None = None,
        input_nc: int | None = None,
        outermost: bool = False,
        use_dropout: bool = False,
        skip: bool = True,
        upsample: str = "transposed",
    ) -> None:
        super().__init__()
        self.skip = skip and not outermost
        layer, bias = norm_layer(norm), needs_bias(norm)
        down = nn.Conv2d(input_nc or outer_nc, inner_nc, 4, stride=2, padding=1, bias=bias)
        up_nc = 2 * inner_nc if skip and submodule is not None else inner_nc
        transposed = ConvTranspose2d(
            up_nc, outer_nc, 4, stride=2, padding=1, bias=True if outermost else bias
        )
        up = up_convolution(transposed, upsample)
        layers: list[nn.Module]
        if submodule is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, layer(outer_nc)]
        elif outermost:
            layers = [down, submodule, nn.ReLU(), up, nn.Tanh()]
        else:
            layers = [nn.LeakyReLU(0.2), down, layer(inner_nc), submodule]
            layers += [nn.ReLU(), up, layer(outer_nc)]
            layers += [nn.Dropout(0.5)] if use_dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.model(x)], dim=1) if self.skip else self.model(x)


class UnetGenerator(nn.Module):
    """(N, input_nc, H, W) -> (N, output_nc, H, W) in [-1, 1]; H and W multiples of 2**num_downs.

    Widths ngf x (1, 2, 4, 8, 8, ...); dropout in the inner levels of full width, the innermost excepted.
    """

    def __init__(
        self,
        input_nc: int,
        output_nc: int,
        ngf: int = 64,
        norm: str = "batch",
        use_dropout: bool = False,
        num_downs: int = 8,
        skip: bool = True,
        upsample: str = "transposed",
    ) -> None:
        super().__init__()
        self.size_multiple = 2**num_downs
        build = partial(UnetBlock, norm=norm, skip=skip, upsample=upsample)
        block = build(8 * ngf, 8 * ngf)
        for _ in range(num_downs - 5):
            block = build(8 * ngf, 8 * ngf, submodule=block, use_dropout=use_dropout)
        for width in (4 * ngf, 2 * ngf, ngf):
            block = build(width, 2 * width, submodule=block)
        self.model = build(output_nc, ngf, submodule=block, input_nc=input_nc, outermost=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)
