"""Weights & Biases, or any package with its interface."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from util.errors import InputError
from util.logger import At, Sink


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

    scores = losses

    def health(self, at: At, values: dict[str, float]) -> None:
        self.losses(at, {f"health/{name}": value for name, value in values.items()})

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        pictures = {
            f"results/{name}": self.wandb.Image(image, caption=f"{name} - Step {at.run_images}")
            for name, image in images.items()
        }
        self.run.log(pictures, step=at.run_images)

    def close(self, ending: str) -> None:
        self.run.finish()


def open_wandb(project: str, name: str, config: dict[str, Any], folder: str) -> list[Sink]:
    """The sink, or none with a note where there is no login or no network: a run does not depend on it.

    Raises: InputError when the package is missing.
    """
    require_wandb()
    try:
        return [WandbSink(project, name, config, folder)]
    except Exception as error:
        logging.getLogger(__name__).warning("Weights & Biases is not used: %s", error)
        return []
