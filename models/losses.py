"""Losses as pure functions of tensors; all return scalars, unweighted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

# Of tanh's 1 as a logit: large enough for a probability near 1, and small enough for gradients far from the truth.
LOGITS = 10.0


def gan_loss(
    logits: torch.Tensor, target_is_real: bool, mode: str, for_generator: bool = False
) -> torch.Tensor:
    """Computes how far D's logits are from calling the images real (or generated).

    Args:
        logits: any shape; every element is one verdict.
        mode: lsgan (Mao et al. 2017), vanilla or nonsaturating (Goodfellow et al. 2014, with logits), wgangp (Gulrajani et
            al. 2017) or hinge (Lim & Ye 2017).
        for_generator: hinge alone treats the generator's target differently: it has no margin.
    """
    if mode == "lsgan":
        return F.mse_loss(logits, torch.full_like(logits, float(target_is_real)))
    if mode in ("vanilla", "nonsaturating"):  # two names: softplus of the logits, with either sign
        target = torch.full_like(logits, float(target_is_real))
        return F.binary_cross_entropy_with_logits(logits, target)
    sign = -1 if target_is_real else 1
    if mode == "hinge" and not for_generator:
        return F.relu(1 + sign * logits).mean()
    if mode in ("wgangp", "hinge"):
        return sign * logits.mean()
    raise ValueError(f"unknown gan mode {mode!r}")


class GANLoss(nn.Module):
    """`gan_loss` as the original code's class, for models that were written for it."""

    def __init__(self, gan_mode: str) -> None:
        super().__init__()
        self.gan_mode = gan_mode

    def forward(self, prediction: torch.Tensor, target_is_real: bool) -> torch.Tensor:
        return gan_loss(prediction, target_is_real, self.gan_mode)


def mean_verdict(logits: torch.Tensor, mode: str) -> torch.Tensor:
    """Computes the mean score that D gives to images: 1 is real and 0 generated with lsgan and vanilla; hinge and wgangp have no bounds.

    Args: as in `gan_loss`. With vanilla the logits become probabilities first.
    """
    return (torch.sigmoid(logits) if mode in ("vanilla", "nonsaturating") else logits).mean()


def gradient_penalty(
    D: Callable[[torch.Tensor], torch.Tensor],
    real: torch.Tensor,
    fake: torch.Tensor,
    mix: torch.Tensor,
) -> torch.Tensor:
    """Computes the mean squared deviation of ||grad D|| from 1 between real and fake (Gulrajani et al. 2017, Eq. 3).

    Args:
        real, fake: (N, C, H, W) in [-1, 1].
        mix: (N, 1, 1, 1) in [0, 1]; 0 is fake, 1 is real.
    Where sizes differ, as between unpaired images, the corner that both have counts.
    """
    height, width = (min(a, b) for a, b in zip(real.shape[-2:], fake.shape[-2:], strict=True))
    real, fake = (images.detach()[..., :height, :width] for images in (real, fake))
    between = torch.lerp(fake, real, mix).requires_grad_(True)
    logits = D(between)
    (gradient,) = torch.autograd.grad(logits.sum(), between, create_graph=True)
    # The tiny term keeps the square root differentiable where the gradient vanishes.
    norm = (gradient.flatten(1).square().sum(1) + 1e-16).sqrt()
    return (norm - 1).square().mean()


def r1_penalty(D: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor) -> torch.Tensor:
    """Computes the mean squared length of D's gradient at real images (R1; Mescheder et al. 2018, Eq. 9, without its half).

    The logits of an image are summed, not averaged: the penalty grows with the number of patches that see a pixel.

    Args:
        real: (N, C, H, W) in [-1, 1].
    """
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def feature_matching_loss(
    fake: Sequence[Sequence[torch.Tensor]], real: Sequence[Sequence[torch.Tensor]]
) -> torch.Tensor:
    """Mean absolute difference between D's features of two images (Wang et al. 2018, pix2pixHD, Eq. 4).

    Summed over layers, of which four count in full, and averaged over scales, as in the published code.

    Args:
        fake, real: for every scale of D, what its layers give: (N, C, H, W) each, without the logits. No gradient goes
            into real.
    """
    scales = [
        4
        / len(layers)
        * torch.stack([F.l1_loss(a, b.detach()) for a, b in zip(layers, others, strict=True)]).sum()
        for layers, others in zip(fake, real, strict=True)
    ]
    return torch.stack(scales).mean()


def patch_nce_loss(
    query: torch.Tensor, key: torch.Tensor, temperature: float = 0.07
) -> torch.Tensor:
    """How hard it is to find each patch's counterpart among the others (PatchNCE; Park et al. 2020, Eq. 3).

    The cross entropy of query . key / temperature against the diagonal: ln S where all patches look alike.

    Args:
        query, key: (groups, S, C), rows of length 1; each row is compared with the S of its group. No gradient goes
            into key.
    """
    logits = query @ key.detach().transpose(1, 2) / temperature  # (groups, S, S)
    own = torch.arange(logits.shape[1], device=logits.device).repeat(len(logits))
    return F.cross_entropy(logits.flatten(0, 1), own)


def reconstruction_loss(
    images: torch.Tensor, target: torch.Tensor, kind: str, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """Computes the mean absolute (kind "l1") or squared (kind "l2") difference over all pixels and channels.

    valid: (N, 1, H, W), the pixels that count; 0 where there are none. None: all.
    """
    if valid is not None:
        difference = torch.where(valid, images - target, 0.0)
        total = difference.abs().sum() if kind == "l1" else difference.square().sum()
        return total / (valid.sum() * images.shape[1]).clamp(min=1)
    return F.l1_loss(images, target) if kind == "l1" else F.mse_loss(images, target)


def class_loss(
    images: torch.Tensor, target: torch.Tensor, valid: torch.Tensor | None = None
) -> torch.Tensor:
    """Computes the cross entropy of classes, whose logits are outputs of tanh stretched to LOGITS.

    Args:
        images: (N, K, H, W) in [-1, 1].
        target: (N, K, H, W), 1 in each pixel's class and -1 elsewhere.
        valid: (N, 1, H, W), the pixels that count; 0 where there are none. None: all.
    """
    logits = torch.log_softmax(LOGITS * images.float(), dim=1)
    entropy = -torch.where(target > 0, logits, 0.0).sum(dim=1, keepdim=True)
    if valid is None:
        return entropy.mean()
    return torch.where(valid, entropy, 0.0).sum() / valid.sum().clamp(min=1)
