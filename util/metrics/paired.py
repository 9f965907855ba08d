"""Distances of images from their own truths, one number an image.

Images are uint8 (N, C, H, W), fake and real of one shape; results are float64 (N,).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from util.errors import InputError
from util.metrics.weights import need

# Pixels a side: the window; the window at a sixteenth of the size; what AlexNet has a pixel left of.
SMALLEST = {"ssim": 11, "ms_ssim": 176, "lpips": 31}


def l1(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Computes the mean absolute difference, as a part of the grey range: 0 to 1."""
    return _mean(_difference(fake, real).abs()) / 255


def psnr(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Computes the peak signal to noise ratio of each image, in dB, for the range of 255 levels.

    An exact copy would have infinitely many dB; the error of half a grey level stands for it: 54.15 dB.
    """
    return 10 * torch.log10(255**2 / _mean(_difference(fake, real).square()).clamp(min=0.25))


def ssim(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Computes structural similarity (Wang et al. 2004): gaussian window of 11 pixels, sigma 1.5.

    Averaged over windows that lie within the image, as in the paper and scikit-image; torchmetrics' own mean takes
    in windows over the mirrored border, which matters for small images.
    Raises: InputError for images smaller than the window.
    """
    need("ssim", "torchmetrics")
    from torchmetrics.functional.image import structural_similarity_index_measure as measure

    check_size("ssim", fake)
    _, windows = measure(fake.float(), real.float(), data_range=255.0, return_full_image=True)
    border = SMALLEST["ssim"] // 2
    return windows[..., border:-border, border:-border].mean((1, 2, 3)).cpu().double()


def ms_ssim(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Computes SSIM at five scales (Wang et al. 2003). Raises: InputError for images too small to be halved so often."""
    need("ms_ssim", "torchmetrics")
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as measure,
    )

    check_size("ms_ssim", fake)
    values = measure(fake.float(), real.float(), data_range=255.0, reduction="none")
    return values.reshape(-1).cpu().double()


PIXEL_METRICS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "l1": l1,
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
}


def _difference(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    return fake.to(torch.int32) - real.to(torch.int32)


def _mean(levels: torch.Tensor) -> torch.Tensor:
    """Averages over each image; whole numbers are summed, so that every device gives the same."""
    return levels.sum(dim=(1, 2, 3), dtype=torch.int64).cpu().double() / levels[0].numel()


def check_size(name: str, images: torch.Tensor) -> None:
    """Raises: InputError for images (N, C, H, W) too small for the metric."""
    height, width = images.shape[-2:]
    if min(height, width) < SMALLEST[name]:
        raise InputError(
            f"{name} needs images of at least {SMALLEST[name]} pixels a side, found {width}x{height}: "
            f"leave it out of the metrics"
        )
