"""Fixed examples: a few held-out images whose translations show, epoch by epoch, how a training gets on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from models.training.twin import Twin
from util.checkpoints.inference_settings import InferenceSettings
from util.checkpoints.names import AVERAGED
from util.errors import reason_of


class Examples:
    """Translates the same images again and again, as test.py would; draws nothing that training depends on.

    Args:
        batches: gives the images, in their order.
    """

    def __init__(self, twin: Twin, batches: Callable[[], Iterator[dict[str, Any]]]) -> None:
        self.twin, self.batches = twin, batches
        self.fails = False

    def translate(
        self, networks: Mapping[str, nn.Module], settings: InferenceSettings
    ) -> list[dict[str, np.ndarray]]:
        """Returns the pictures of each image by label: uint8 (H, W, 3) or (H, W), of the model's `saved_networks`.

        A failure, such as a GPU without memory for whole images, costs the examples and not the training: [] then, and
        from there on.
        """
        if self.fails:
            return []
        averaged = settings.averaged and any(name.endswith(AVERAGED) for name in networks)
        self.twin.load(networks, AVERAGED if averaged else "")
        try:
            with torch.inference_mode():
                made = list(self.twin.translate(settings.norm_policy, self.batches()))
        except Exception as error:  # whatever a model or a device does with whole images
            self.fails = True
            logging.getLogger(__name__).warning(
                "the fixed examples are left out from here on: %s (--examples 0 switches them off)",
                reason_of(error),
            )
            return []
        made.sort(key=lambda one: one.number)
        return [one.pictures for one in made]
