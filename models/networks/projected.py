"""A discriminator that judges features of a network trained on photographs (Sauer et al. 2021, Projected GANs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.patchgan import MultiScale, PatchGAN
from models.networks.perceptual import Lite0Maps

# Channels of EfficientNet-Lite0's maps at strides 4, 8, 16 and 32, of each of which a PatchGAN judges a mixture. Strided
# layers take them all to one size of logits.
CHANNELS = 24, 40, 112, 320
LAYERS = 3, 2, 1, 0
# Smaller images are enlarged: here the maps have sides of 32, 16, 8 and 4, the least that leave a logit to every head.
LEAST_SIDE = 128


class ProjectedDiscriminator(MultiScale):
    """(N, input_nc, H, W) in [-1, 1] -> logits (N, 4, H', W'), one for each patch of feature maps at four scales.

    Lite0's maps are mixed across channels and scales by random convolutions, which stay as they are drawn and are saved
    with the heads; Lite0 itself is neither trained nor saved.

    Args:
        ndf: width of the heads.
        condition_nc: channels at the front that it does not look at; 1 or 3 must follow.
    Raises: InputError when the packages with Lite0 and its weights are missing.
    """

    def __init__(
        self, input_nc: int, ndf: int = 64, norm: str = "batch", condition_nc: int = 0
    ) -> None:
        shapes = zip(CHANNELS, LAYERS, strict=True)
        super().__init__([PatchGAN(channels, ndf, norm, n) for channels, n in shapes])
        self.smallest_input = 1
        self.condition_nc = condition_nc
        # In a tuple it is no part of this network, which is initialised, trained and saved.
        self.frozen = (Lite0Maps("--netD projected"),)
        for scale, channels in enumerate(CHANNELS):
            self._draw(f"channels_{scale}", channels, channels, 1)
        for scale, (finer, coarser) in enumerate(pairwise(CHANNELS)):
            self._draw(f"scales_{scale}", finer, coarser, 3)

    def _draw(self, name: str, outputs: int, inputs: int, side: int) -> None:
        """Adds random weights of a convolution (section 3.2)."""
        weight = torch.empty(outputs, inputs, side, side)
        self.register_buffer(name, nn.init.kaiming_normal_(weight))

    def _apply(self, function: Callable[..., Any], recurse: bool = True) -> nn.Module:
        self.frozen[0]._apply(function)
        return super()._apply(function, recurse)

    def pyramid(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Mixed feature maps of the images, from the finest scale to the coarsest."""
        images = x[:, self.condition_nc :]
        height, width = images.shape[-2:]
        if (side := min(height, width)) < LEAST_SIDE:
            size = [round(LEAST_SIDE * length / side) for length in (height, width)]
            images = F.interpolate(images, size, mode="bilinear")
        return self.mix(self.frozen[0](images)[1:])

    def mix(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Mixes maps across their channels, and adds to each what the coarser ones give: a linear function."""
        mixed: list[torch.Tensor] = []
        for scale in reversed(range(len(maps))):
            new = F.conv2d(maps[scale], self.get_buffer(f"channels_{scale}"))
            if mixed:
                coarser = F.interpolate(mixed[0], new.shape[-2:], mode="bilinear")
                new = new + F.conv2d(coarser, self.get_buffer(f"scales_{scale}"), padding=1)
            mixed.insert(0, new)
        return mixed
