"""InceptionV3 as FID and KID have it (TensorFlow's weights of 2015), on images resized as in clean-fid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from util.checkpoints.files import load_weights
from util.errors import InputError
from util.files import sha256_of
from util.metrics.weights import PUBLISHED

SIZE = 299


class Inception(nn.Module):
    """(N, 3, H, W) in 0..255 -> pooled features (N, 2048).

    label: network, resize and hash of the weights: without them a FID cannot be compared with another.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        load_weights(weights)  # torch-fidelity would run code in the file; this refuses such a one
        try:
            network = FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
        except RuntimeError:
            raise InputError(
                f"{weights} holds other weights than {PUBLISHED['inception'].file}"
            ) from None
        # The layers in their order, without the classifier: its own forward takes whole grey levels only.
        self.layers = nn.Sequential(*list(network.children())[:-1])
        self.eval().requires_grad_(False)
        found = sha256_of(weights)[:8]  # as the published name ends with
        known = PUBLISHED["inception"].file.endswith(f"-{found}.pth")
        origin = found if known else f"{found}, not the published file"
        self.label = f"torch-fidelity's Inception ({origin}), Pillow bicubic to 299 as in clean-fid"

    @torch.inference_mode()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        resized = torch.stack([clean_resize(image) for image in images.cpu()])
        return self.layers((resized.to(images.device) - 128) / 128).flatten(1)


def clean_resize(image: torch.Tensor, size: int = SIZE) -> torch.Tensor:
    """(C, H, W) in 0..255 -> float (C, size, size), by Pillow's antialiased bicubic filter.

    Each channel as floats, without rounding (Parmar et al. 2022, clean-fid).
    """
    channels = [
        np.asarray(Image.fromarray(channel).resize((size, size), Image.Resampling.BICUBIC))
        for channel in image.float().numpy()
    ]
    return torch.from_numpy(np.stack(channels).clip(0, 255))
