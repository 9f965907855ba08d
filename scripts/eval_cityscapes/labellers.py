"""Ways to turn a result into labels of the truth's size: by its colours, or by a segmentation network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from util.checkpoints.files import load_weights
from util.errors import InputError
from util.images.label_maps import Palette, predicted_labels

# The normalisation of torchvision's training scripts, of values in [0, 1].
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Labeller = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
"""(image (H, W, 3) uint8, (height, width)) -> (height, width) uint8"""


def by_colours(palette: Palette) -> Labeller:
    """Labels results that are drawn label maps; they are enlarged as labels, without new values."""

    def labels(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        small = Image.fromarray(predicted_labels(image, palette))
        return np.asarray(small.resize(size[::-1], Image.Resampling.NEAREST))

    return labels


def by_network(
    weights: Path, architecture: str, num_classes: int, device: torch.device
) -> Labeller:
    """Labels results that are photographs; they are enlarged to the truth's size first, as in the papers.

    Raises: InputError when the weights are missing, damaged, or of another network.
    """
    network = load_network(weights, architecture, num_classes).to(device).eval()
    mean, std = (torch.tensor(value, device=device).view(3, 1, 1) for value in (MEAN, STD))

    @torch.no_grad()
    def labels(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        large = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
        photo = torch.from_numpy(np.array(large)).to(device).permute(2, 0, 1) / 255  # (3, H, W)
        scores = network(((photo - mean) / std)[None])["out"]  # (1, K, H, W)
        return scores[0].argmax(0).to(torch.uint8).cpu().numpy()

    return labels


def load_network(weights: Path, architecture: str, num_classes: int) -> torch.nn.Module:
    """Returns a segmentation network of torchvision with the user's weights, on the CPU."""
    if not weights.is_file():
        raise InputError(
            f"--weights {weights} does not exist: it should be a state dict of torchvision's {architecture}"
        )
    state = load_weights(weights)
    network = build_network(architecture, num_classes, any("aux_" in key for key in state))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:  # one line says enough
        first = str(error).splitlines()[1:2]
        raise InputError(
            f"--weights {weights} are not those of --architecture {architecture} with --num_classes {num_classes}: "
            + " ".join(first).strip()[:200]
        ) from None
    return network


def build_network(architecture: str, num_classes: int, auxiliary: bool = False) -> torch.nn.Module:
    """Builds it with random weights. auxiliary: with the second head that some trainings use."""
    from torchvision.models import segmentation  # takes a second, and label maps need none of it

    more = {} if architecture.startswith("lraspp") else {"aux_loss": auxiliary}
    build = getattr(segmentation, architecture)
    return build(weights=None, weights_backbone=None, num_classes=num_classes, **more)
