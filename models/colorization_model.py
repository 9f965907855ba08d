"""Colorization: pix2pix from lightness to colour, in Lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from models.pix2pix_model import Pix2PixModel, Pix2PixOptions
from options.flags import override


@dataclass(frozen=True)
class ColorizationOptions(Pix2PixOptions):
    """pix2pix on the colorization data set."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "colorization"}

    input_nc: int = override(1)
    output_nc: int = override(2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.input_nc, self.output_nc) != (1, 2):
            raise ValueError(
                "--model colorization goes from L to ab: --input_nc 1 and --output_nc 2, not "
                f"{self.input_nc} and {self.output_nc}"
            )


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
