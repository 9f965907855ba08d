"""The U-Net generator of pix2pix (Isola et al. 2017), and its encoder-decoder without skips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.cpu_convolutions import ConvTranspose2d
from models.networks.fused.layers import (
    Fused,
    Fusion,
    Join,
    affine,
    can_run,
    convolve,
    count_batches,
    norm_group,
    normalizes,
    removes_bias,
    run,
)
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

    def run_fused(self, y: torch.Tensor, norm: nn.Module | None, fusion: Fusion) -> torch.Tensor:
        """relu(forward(norm(y))), which is all that the level above wants to know.

        Both norms write into the memory of the result, so that nothing has to be concatenated.
        """
        n, channels, height, width = y.shape
        shape, order = (n, 2 * channels, height, width), torch.channels_last
        both = torch.empty(shape, dtype=y.dtype, device=y.device, memory_format=order)
        group = norm_group(norm)._replace(slope=0.2, rectified=both[:, :channels])
        x, _, relu_x = Fused.apply(y, None, *affine(norm), group)
        inner: list[Any]  # layers of several kinds
        down, inner = self.model[1], list(self.model[2:])
        if len(inner) == 3:  # the innermost
            _, up, up_norm = inner
            below, dropout = F.relu(convolve(down, x, fusion)), []
        else:
            down_norm, submodule, _, up, up_norm, *dropout = inner
            y = convolve(down, x, fusion, biased=not removes_bias(down_norm))
            below = submodule.run_fused(y, down_norm, fusion)
        y = _doubled(up, below, fusion, biased=not removes_bias(up_norm))
        group = norm_group(up_norm)
        if dropout:
            x, _, _ = Fused.apply(y, None, *affine(up_norm), group)
            return F.relu(torch.cat([relu_x, dropout[0](x)], dim=1))
        group = group._replace(slope=0.0, out=both[:, channels:])
        relu_up, _, _ = Fused.apply(y, None, *affine(up_norm), group)
        return Join.apply(relu_x, relu_up, both)


class UnetGenerator(nn.Module):
    """(N, input_nc, H, W) -> (N, output_nc, H, W) in [-1, 1]; H and W multiples of 2**num_downs.

    Widths ngf x (1, 2, 4, 8, 8, ...); dropout in the inner levels of full width, the innermost excepted.
    """

    fusion: Fusion | None = None  # how it runs on an NVIDIA GPU; None for layer by layer
    # The image and the first four convolutions, without the norms behind them.
    feature_layers = (0, 1, 3, 6, 9)

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
        if can_run(self.fusion, x) and self.fusion.norms and self._can_be_fused():
            return self.run_fused(x, self.fusion)
        return self.model(x)

    def encoder(self) -> Sequence[nn.Module]:
        """The image and the layers that halve it, to be run one after the other; `feature_layers` numbers them."""
        layers: list[nn.Module] = [nn.Identity()]
        block: Any = self.model
        while block is not None:
            below = next((m for m in block.model if isinstance(m, UnetBlock)), None)
            halving = list(block.model)
            end = halving.index(below) if below else 2  # the innermost has no norm on its way down
            layers += halving[:end]
            block = below
        return layers

    def run_fused(self, x: torch.Tensor, fusion: Fusion) -> torch.Tensor:
        layers: Any = self.model.model
        down, submodule, _, up, _ = layers
        below = submodule.run_fused(convolve(down, x, fusion), None, fusion)
        count_batches(norm for norm in self.modules() if normalizes(norm))
        return torch.tanh(_doubled(up, below, fusion))

    def _can_be_fused(self) -> bool:
        """Whether there are skips, and norms of the images of every batch."""
        blocks = [module for module in self.modules() if isinstance(module, UnetBlock)]
        norms = [
            layer
            for block in blocks
            for before, layer in zip(block.model, list(block.model)[1:], strict=False)
            if isinstance(before, (nn.Conv2d, nn.ConvTranspose2d))
            and not isinstance(layer, (UnetBlock, nn.ReLU, nn.Tanh))
        ]
        skips = all(block.skip for block in blocks if block is not self.model)
        return skips and all(normalizes(norm) for norm in norms)


def _doubled(up: Any, x: torch.Tensor, fusion: Fusion, biased: bool = True) -> torch.Tensor:
    """Result of an `up_convolution`, fused: a layer, or several."""
    return run(up, x, fusion) if isinstance(up, nn.Sequential) else convolve(up, x, fusion, biased)
