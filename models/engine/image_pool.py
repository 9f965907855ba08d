"""A history of generated images that keeps the discriminator from forgetting (Shrivastava et al. 2017)."""

from __future__ import annotations

import random
from typing import Any

import torch


class ImagePool:
    """Returns new images or, half of the time once full, earlier ones in exchange.

    Args:
        pool_size: images kept; 0 returns every query as it came.
        rng: decides what is exchanged, by default always the same; its state is part of `state_dict`.
    """

    def __init__(self, pool_size: int, rng: random.Random | None = None) -> None:
        self.pool_size, self.rng = pool_size, rng or random.Random(0)
        self.images: list[torch.Tensor] = []

    def query(self, images: torch.Tensor) -> torch.Tensor:
        """Exchanges images (N, C, H, W) for as many; without gradient, unless pool_size is 0."""
        if self.pool_size == 0:
            return images
        alone = len(images) == 1
        return torch.stack([self._exchange(image, alone) for image in images.detach()])

    def _exchange(self, image: torch.Tensor, alone: bool) -> torch.Tensor:
        if len(self.images) < self.pool_size:
            self.images.append(image.clone())
            return image
        if self.rng.random() <= 0.5:
            return image
        slot = self.rng.randrange(self.pool_size)
        if not alone and self.images[slot].shape != image.shape:  # a batch has one size
            return image
        kept, self.images[slot] = self.images[slot], image.clone()
        return kept.to(image)  # a restored pool comes from the CPU

    def state_dict(self) -> dict[str, Any]:
        version, numbers, gauss = self.rng.getstate()
        return {"images": list(self.images), "rng": [version, list(numbers), gauss]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises: ValueError, TypeError or KeyError for what is no pool's state."""
        images = list(state["images"])[: self.pool_size]  # which may be smaller than it was
        if not all(torch.is_tensor(image) and image.dim() == 3 for image in images):
            raise ValueError("its images have no shape (C, H, W)")
        if len({len(image) for image in images}) > 1 or not all(
            image.is_floating_point() and image.numel() for image in images
        ):
            raise ValueError("its images differ in channels, or hold no real numbers")
        version, numbers, gauss = state["rng"]
        self.rng.setstate((version, tuple(numbers), gauss))
        self.images = images
