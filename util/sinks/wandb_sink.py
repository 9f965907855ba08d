"""Weights & Biases, or any package with its interface."""

from __future__ import annotations

from typing import Any

import numpy as np

from util.errors import InputError
from util.logger import At


def require_wandb() -> Any:
    """The package. Raises: InputError when it is missing."""
    try:
        import wandb
    except ImportError:
        raise InputError("--use_wandb needs the package wandb: pip install wandb") from None
    return wandb


class WandbSink:
    """Losses by name and images under results/, at the count of images."""

    def __init__(self, project: str, name: str, config: dict[str, Any], folder: str) -> None:
        self.wandb = wandb = require_wandb()
        # With a key but no network it would wait for minutes, and training with it.
        settings = wandb.Settings(init_timeout=30)
        self.run = wandb.init(
            project=project, name=name, config=config, dir=folder, settings=settings
        )

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.run.log({**losses, "epoch": at.x}, step=at.run_images)

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        pictures = {
            f"results/{name}": self.wandb.Image(image, caption=f"{name} - Step {at.run_images}")
            for name, image in images.items()
        }
        self.run.log(pictures, step=at.run_images)

    def results(self, images: dict[str, np.ndarray]) -> None:
        """One row of test results."""
        self.run.log(
            {name: self.wandb.Image(image, caption=name) for name, image in images.items()}
        )

    def close(self) -> None:
        self.run.finish()
