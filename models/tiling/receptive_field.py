"""Receptive fields: how far a pixel's influence reaches, found by marking pixels and watching the marks spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.norms import rebuilt
from util.errors import InputError

BLOCKS = 9  # of the first strip; a U-Net's reach is two on either side
LONGEST = 1500  # pixels of a strip, where that is more than BLOCKS
ACROSS = 64  # pixels, or a block: enough for any padding by reflection


def normalizes_image(module: nn.Module) -> bool:
    """Tells whether it is a norm whose statistics are those of the image at hand."""
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return module.training or not module.track_running_stats
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return module.training or module.running_mean is None
    return False


def reaches(network: nn.Module, multiple: int) -> list[int]:
    """Returns how many pixels beyond a part of the image its values depend on, statistics of norms left aside.

    One number for the input of each norm over the image, in the order of execution, the last for the output: multiples
    of `multiple`, valid for parts that begin and end at such.
    Raises: InputError when a pixel reaches everywhere, or the network does what cannot be followed.
    """
    try:
        down, across = (_along(axis, network, multiple) for axis in (-2, -1))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{type(network).__name__} has layers through which pixels cannot be followed ({error}): "
            "use --tile_mode blend"
        ) from error
    return [max(pair) for pair in zip(down, across, strict=True)]


def _along(axis: int, network: nn.Module, multiple: int) -> list[int]:
    blocks = BLOCKS
    while blocks <= max(BLOCKS, LONGEST // multiple):
        found = _marked(axis, network, multiple, blocks)
        if max(found) < blocks // 2:
            return [multiple * blocks for blocks in found]
        blocks = 2 * blocks + 1
    raise InputError(
        f"in {type(network).__name__} every pixel depends on the whole image: use --tile_mode blend"
    )


def _marked(axis: int, network: nn.Module, multiple: int, blocks: int) -> list[int]:
    """Blocks on either side to which marks in the middle block of a strip spread; `blocks // 2` is its end."""
    spread: list[int] = []

    def watch(x: torch.Tensor) -> torch.Tensor:
        other = -1 if axis == -2 else -2
        (marked,) = x.isnan().any(other).flatten(0, -2).any(0).nonzero(as_tuple=True)
        pixels = x.shape[axis] / blocks  # of a block, at this layer
        first, last = float(marked[0]) // pixels, float(marked[-1]) // pixels
        spread.append(int(max(blocks // 2 - first, last - blocks // 2)))
        return x

    def follower(module: nn.Module) -> nn.Module | None:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            return Marks(module)
        if normalizes_image(module):
            return Watch(watch)
        if isinstance(module, (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)):
            return nn.Identity()
        return None

    parameter = next(network.parameters())
    size = [-(-ACROSS // multiple) * multiple] * 2
    size[axis] = blocks * multiple
    strip = torch.zeros(1, 1, *size, device=parameter.device)
    strip.narrow(axis, blocks // 2 * multiple, multiple).fill_(torch.nan)
    with torch.no_grad():
        watch(rebuilt(network, follower)(strip))
    return spread


class Watch(nn.Module):
    """Shows what passes to a function."""

    def __init__(self, show: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.show = show

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.show(x)


class Marks(nn.Module):
    """Spreads marks, which are NaN, as a convolution does: an output that sees one is marked. Any channels in, one out."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.of = (convolution,)  # not a child

    def forward(self, x: torch.Tensor, output_size: Sequence[int] | None = None) -> torch.Tensor:
        (of,) = self.of
        marks = x.isnan().any(1, keepdim=True).to(x.dtype)
        sees = torch.ones(1, 1, *of.kernel_size, device=x.device, dtype=x.dtype)
        if isinstance(of, nn.ConvTranspose2d):
            assert not isinstance(of.padding, str)
            more = of.output_padding
            seen = F.conv_transpose2d(
                marks, sees, None, of.stride, of.padding, more, dilation=of.dilation
            )
        else:
            seen = F.conv2d(marks, sees, None, of.stride, of.padding, of.dilation)
        return torch.where(seen > 0.5, torch.nan, 0.0)
