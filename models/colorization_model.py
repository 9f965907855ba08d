"""Colorization: pix2pix from lightness to colour, in Lab."""

from __future__ import annotations

import numpy as np
import torch

from models.pix2pix_model import Pix2PixModel
from options.model_options import ColorizationOptions


class ColorizationModel(Pix2PixModel):
    """G: L (1 channel) -> ab (2 channels)."""

    Options = ColorizationOptions
    records_steps = True

    def displayable(self, visuals: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        L = visuals["real_A"]
        real_B, fake_B = lab_to_rgb(L, visuals["real_B"]), lab_to_rgb(L, visuals["fake_B"])
        return {"real_A": L, "real_B_rgb": real_B, "fake_B_rgb": fake_B}


def lab_to_rgb(L: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    """Network values L (N, 1, H, W) and ab (N, 2, H, W) in [-1, 1] -> sRGB (N, 3, H, W) in [-1, 1].

    -1 .. 1 stands for lightness 0 .. 100 and for a, b -110 .. 110. Colours outside sRGB are clipped.
    """
    import warnings

    from skimage.color import lab2rgb

    lab = torch.cat([(L.float() + 1) * 50, ab.float() * 110], dim=1).cpu().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an untrained G asks for impossible colours
        rgb = lab2rgb(lab, channel_axis=1)
    return torch.from_numpy(np.ascontiguousarray(rgb, dtype=np.float32)) * 2 - 1
