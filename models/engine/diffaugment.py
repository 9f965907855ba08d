"""Differentiable augmentation of the images that D judges, for small data sets (DiffAugment; Zhao et al. 2020)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

# Most that an image is moved by, and what is cut out of it, as parts of its sides: those of the published code.
SHIFT, CUTOUT = 1 / 8, 1 / 2


def draw_augmentation(policy: Collection[str], images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Draws what `augment` does with images (N, C, H, W), for each by itself, on their device.

    Args:
        policy: any of color, translation, cutout.
    """
    (n, _, height, width), device = images.shape, images.device
    draws: dict[str, torch.Tensor] = {}
    if "color" in policy:
        brightness, saturation, contrast = torch.rand(3, n, 1, 1, 1, device=device)
        draws |= {"brightness": brightness - 0.5, "saturation": 2 * saturation}
        draws["contrast"] = contrast + 0.5
    if "translation" in policy:
        for name, side in (("down", height), ("right", width)):
            most = round_half_up(SHIFT * side)
            draws[name] = torch.randint(-most, most + 1, (n,), device=device)
    if "cutout" in policy:
        for name, side in (("row", height), ("column", width)):
            odd = round_half_up(CUTOUT * side) % 2
            draws[name] = torch.randint(0, side + 1 - odd, (n,), device=device)
    return draws


def augment(
    images: torch.Tensor, draws: Mapping[str, torch.Tensor], condition_nc: int = 0
) -> torch.Tensor:
    """Augments images (N, C, H, W) in [-1, 1] by `draw_augmentation`; gradients pass. Where nothing is left, it is 0.

    Args:
        condition_nc: channels at the front that D gets as a condition. They are moved with the others, so that both
            stay in register, and otherwise left as they are.
    """
    condition, judged = images[:, :condition_nc], images[:, condition_nc:]
    if "brightness" in draws:
        judged = judged + draws["brightness"]
        judged = stretch(judged, judged.mean(1, keepdim=True), draws["saturation"])
        judged = stretch(judged, judged.mean((1, 2, 3), keepdim=True), draws["contrast"])
    if "down" in draws:
        both = torch.cat([condition, judged], dim=1) if condition_nc else judged
        both = translate(translate(both, draws["down"], 2), draws["right"], 3)
        condition, judged = both[:, :condition_nc], both[:, condition_nc:]
    if "row" in draws:
        judged = cut_out(judged, draws["row"], draws["column"])
    return torch.cat([condition, judged], dim=1) if condition_nc else judged


def stretch(images: torch.Tensor, centre: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Multiplies the images' distance from a centre."""
    return centre + factor * (images - centre)


def translate(images: torch.Tensor, distance: torch.Tensor, axis: int) -> torch.Tensor:
    """Moves each image of (N, C, H, W) by its distance (N,) in pixels along an axis; what comes in is 0."""
    pixels = torch.arange(images.shape[axis], device=images.device)
    source = pixels - distance[:, None]  # (N, side)
    inside = (source >= 0) & (source < len(pixels))
    shape = [len(images), 1, 1, 1]
    shape[axis] = len(pixels)
    index = source.clamp(0, len(pixels) - 1).view(shape).expand_as(images)
    return images.gather(axis, index) * inside.view(shape)


def cut_out(images: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    """Sets a rectangle of half the sides, around each image's row and column (N,), to 0."""
    height, width = images.shape[-2:]
    cut = _span(height, row)[:, :, None] & _span(width, column)[:, None, :]  # (N, H, W)
    return images * ~cut[:, None]


def _span(side: int, middle: torch.Tensor) -> torch.Tensor:
    """(N, side): which pixels of a side are cut."""
    length = round_half_up(CUTOUT * side)
    first = middle[:, None] - length // 2
    pixels = torch.arange(side, device=middle.device)
    return (pixels >= first) & (pixels < first + length)


def round_half_up(number: float) -> int:
    """Rounds a number from 0 on as the published code does, which `round` does not."""
    return int(number + 0.5)
