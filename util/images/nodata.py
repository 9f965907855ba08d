"""Pixels without data: filled for a network, and taken out of its results again.

Between reading and filling, and in results, NaN in any channel marks them.
"""

from __future__ import annotations

import math

import torch


def fill_missing(
    images: torch.Tensor, fill: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fills pixels without data with the mean of the others in their image and channel, or 0 where there are none.

    Args:
        images: (..., C, H, W) in [-1, 1], NaN where pixels are missing.
        fill: (..., C, 1, 1), in place of the mean.
    Returns: the filled images, and which pixels have data, (..., 1, H, W).
    """
    valid = ~images.isnan().any(-3, keepdim=True)
    return fill_where(images, valid, fill), valid


def fill_where(
    images: torch.Tensor, valid: torch.Tensor, fill: torch.Tensor | None = None
) -> torch.Tensor:
    """Fills the pixels that are not valid, (..., 1, H, W), as `fill_missing` does; no gradient goes into the mean."""
    if fill is None:
        # Apple GPUs have no float64.
        dtype = torch.float32 if images.device.type == "mps" else torch.float64
        present = torch.where(valid, images.detach(), 0.0).sum((-2, -1), dtype=dtype)
        count = valid.sum((-2, -1)).clamp(min=1)
        fill = (present / count)[..., None, None]
    return torch.where(valid, images, fill.to(images.dtype))


def mark_missing(images: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Makes pixels that are not valid, (..., 1, H, W), NaN in all channels."""
    return torch.where(valid, images, math.nan)
