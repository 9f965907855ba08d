"""A twin of a model in training: it translates as test.py does, and the training does not notice."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import nn

from models import Execution, create_model
from models.base_model import BaseModel
from models.inference.translate_dataset import Translation, translations
from models.networks.norms import separate_norms
from options.base_options import ModelOptions


class Twin:
    """A model of its own, since testing computes in float32; it is built when it is first used."""

    def __init__(self, options: ModelOptions, seed: int, device: torch.device) -> None:
        self.options, self.seed, self.device = options, seed, device

    @cached_property
    def models(self) -> dict[str, BaseModel]:
        """Policy of batch norm -> model; both share their weights."""
        running = create_model(self.options, execution=Execution(self.device)).eval()
        return {"running": running, "image": _with_image_norms(running)}

    def load(self, networks: Mapping[str, nn.Module], suffix: str) -> None:
        """Takes over weights of `saved_networks`; suffix: of the generators, for the averaged ones."""
        with torch.no_grad():
            for name, network in self.models["running"].networks().items():
                trained = networks[f"{name}{suffix}" if name.startswith("G") else name].state_dict()
                for key, value in network.state_dict().items():
                    value.copy_(trained[key])

    def translate(
        self,
        policy: str,
        batches: Iterator[dict[str, Any]],
        *,
        whole: bool = False,
        kept: Container[str] = (),
    ) -> Iterator[Translation]:
        """Translates batches, as `translations` does; for inside torch.inference_mode."""
        model = self.models[policy]
        return translations(model, batches, self.seed, self.device, whole=whole, kept=kept)


def _with_image_norms(model: BaseModel) -> BaseModel:
    """Copies the model, with the same weights, in training mode; its batch norm normalizes each image by itself."""
    twin = copy.deepcopy(model).train()
    separate_norms(twin)
    own = dict(model.named_parameters())
    for name, parameter in twin.named_parameters():
        parameter.data = own[name].data
    return twin
