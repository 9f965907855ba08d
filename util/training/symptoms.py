"""Symptoms of trainings that go wrong, in losses and small images. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional as F

# The loss of a discriminator that can only guess: the least a constant answer reaches.
GUESSING = {"lsgan": 0.25, "vanilla": math.log(2), "nonsaturating": math.log(2), "hinge": 1.0}
WON = 0.02  # of that loss
# Size of a weighted loss that no training that learns has: images and scores are of order 1, weights of order 100.
RUN_AWAY = 1e6
KNOWN = 0.2  # of that loss: D tells generated images from real ones
COPIED = 0.03  # mean difference of brightness, in [-1, 1], below which an output is its input
SAME = 0.1  # outputs that vary less than this part of what they should
VARIED = 0.02  # standard deviation from which on images count as different, in [-1, 1]
BY_CHANCE = 0.95  # of the loss that guessing gives, from which on nothing was learnt
INVERTED = -0.5  # correlation of an output with its input
LOOKED_AT = ("real_A", "fake_B", "real_B", "fake_A", "rec_A")
FEWEST = 8  # images below which nothing is said about them


def thumbnail(image: torch.Tensor) -> torch.Tensor:
    """Shrinks an image (C, H, W) to its brightness in 8 x 8 fields, (64,)."""
    return F.adaptive_avg_pool2d(image.detach().float().mean(0, keepdim=True), 8).flatten()


def find(
    losses: Mapping[str, float],
    images: Mapping[str, torch.Tensor],
    gan_mode: str,
    guessing_NCE: float = math.inf,
) -> dict[str, str]:
    """Finds symptoms; returns symptom -> what to tell the user.

    Args:
        losses: means over a stretch of training.
        images: of the same steps, by visual name: (samples, 64), see `thumbnail`.
        guessing_NCE: the weighted PatchNCE loss when no patch can be told from another.
    """
    found = {}
    if winner := discriminator_that_has_won(losses, gan_mode):
        found["won"] = (
            f"the discriminator has won ({winner} is below {WON:.0%} of what guessing gives), so that the "
            "generator no longer learns from it. A weaker one may help: --ndf 32, or --netD n_layers "
            "--n_layers_D 2; or --gan_mode lsgan, or more and more varied images"
        )
    for source, output, target in (("real_A", "fake_B", "real_B"), ("real_B", "fake_A", "real_A")):
        if not {source, output, target} <= images.keys() or len(images[output]) < FEWEST:
            continue
        if has_collapsed(images[source], images[output], images[target]):
            found["collapsed"] = (
                f"the generator has collapsed: {output} is nearly the same for different {source}. "
                "Start again with a lower --lr or another --seed; --gan_mode lsgan and --pool_size 50 make it less likely"
            )
    if {"real_A", "fake_B", "rec_A"} <= images.keys() and len(images["fake_B"]) >= FEWEST:
        correlation = mean_correlation(images["real_A"], images["fake_B"])
        if correlation < INVERTED:
            found["inverted"] = (
                f"fake_B looks like a negative of real_A (correlation {correlation:.2f}). Unless the two "
                "domains ask for that, it will not mend itself: start again with another --seed, or a "
                "higher --lambda_identity"
            )
    if "NCE" in losses and has_copied(losses, images, gan_mode):
        found["copied"] = (
            "fake_B is nearly real_A, and the discriminator knows it: keeping the patches counts for more than "
            "looking like real_B. A lower --lambda_NCE may help (FastCUT has 10, CUT has 1), or --CUT_mode CUT"
        )
    if losses.get("NCE", 0.0) > BY_CHANCE * guessing_NCE:
        found["by chance"] = (
            f"patches of fake_B are not recognised in real_A (NCE {losses['NCE']:.2f}; guessing gives {guessing_NCE:.2f}), "
            "so that nothing keeps the content of the input. A higher --lambda_NCE or a lower --lambda_GAN may help; "
            "or start again with a lower --lr or another --seed"
        )
    return found


def has_copied(
    losses: Mapping[str, float], images: Mapping[str, torch.Tensor], gan_mode: str
) -> bool:
    """Whether a generator leaves its inputs as they are, though the discriminator tells them from targets."""
    if not {"real_A", "fake_B"} <= images.keys() or len(images["fake_B"]) < FEWEST:
        return False
    known = losses.get("D_fake", math.inf) < KNOWN * GUESSING.get(gan_mode, 0.0)
    return known and bool((images["fake_B"] - images["real_A"]).abs().mean() < COPIED)


def discriminator_that_has_won(losses: Mapping[str, float], gan_mode: str) -> str:
    """Names the discriminator loss that is nearly zero, or "". wgangp's have no zero, and never win."""
    guessing = GUESSING.get(gan_mode)
    if guessing is None:
        return ""
    if {"D_real", "D_fake"} <= losses.keys():  # parts of one discriminator's
        losses = {"D_real + D_fake": (losses["D_real"] + losses["D_fake"]) / 2}
    own = {name: value for name, value in losses.items() if name.startswith("D_")}
    return next((name for name, value in own.items() if value < WON * guessing), "")


def losses_that_ran_away(losses: Mapping[str, float]) -> str:
    """Names the losses that are finite and absurdly large, with their values; "" for none."""
    return ", ".join(f"{name} {value:.1e}" for name, value in losses.items() if value > RUN_AWAY)


def has_collapsed(source: torch.Tensor, output: torch.Tensor, target: torch.Tensor) -> bool:
    """Tells whether outputs (samples, 64) hardly differ from each other, though inputs and targets do."""
    varies = [images.std(dim=0).mean().item() for images in (source, target)]
    return min(varies) > VARIED and output.std(dim=0).mean().item() < SAME * varies[1]


def mean_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Computes the mean Pearson correlation of images (samples, 64) that belong together; 0 if they are all flat."""
    one, other = (images - images.mean(dim=1, keepdim=True) for images in (one, other))
    shaped = (one.std(dim=1) > VARIED) & (other.std(dim=1) > VARIED)
    if not shaped.any():
        return 0.0
    return F.cosine_similarity(one[shaped], other[shaped]).mean().item()


def cause_of_nan(names: Sequence[str], gan_mode: str, lr: float) -> str:
    """Names the likely cause of losses, or images (real_A, real_B), that are NaN or infinite, and what to try."""
    if any(name.startswith("real") for name in names):
        return "the images themselves hold NaN or infinite values: check what the data set returns"
    if lr > 0.001:
        return f"--lr {lr:g} is high (0.0002 is usual): lower it"
    if gan_mode == "wgangp":
        return (
            "wgangp's penalty: lower --lr or --lambda_gp, and use --norm instance rather than batch"
        )
    if gan_mode != "lsgan":
        return f"scores of the discriminator that run away with --gan_mode {gan_mode}: lower --lr, or use lsgan"
    return "steps that are too long: lower --lr, or raise --batch_size"
