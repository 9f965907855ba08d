"""LPIPS 0.1 (Zhang et al. 2018) by torchmetrics: its learned weights, on AlexNet's features from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from util.checkpoints.files import load_weights
from util.errors import InputError


class Lpips(nn.Module):
    """Two (N, 3, H, W) in 0..255 -> (N,): 0 for equal images, about 1 for unrelated ones."""

    label = "LPIPS 0.1, AlexNet, by torchmetrics"

    def __init__(self, weights: Path) -> None:
        super().__init__()
        # The public class would download the backbone; with a random one it can be given ours.
        from torchmetrics.functional.image.lpips import _LPIPS

        self.net = _LPIPS(pretrained=True, net="alex", pnet_rand=True)
        found = load_weights(weights)
        slices = self.net.net.state_dict()  # slice2.3.weight is AlexNet's features.3.weight
        try:
            self.net.net.load_state_dict(
                {name: found["features." + name.split(".", 1)[1]] for name in slices}
            )
        except (KeyError, RuntimeError):
            raise InputError(f"{weights} holds other weights than torchvision's AlexNet") from None
        self.eval().requires_grad_(False)

    @torch.inference_mode()
    def forward(self, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        fake, real = (images.float() / 127.5 - 1 for images in (fake, real))
        return self.net(fake, real).reshape(-1).cpu().double()
