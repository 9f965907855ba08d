"""A trained generator as it is exported: PyTorch's own layers alone, and one way with batch norm and dropout."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from models import Translator
from models.inference.find_generator import (
    SavedGenerator,
    apply_norm_policy,
    build_generator,
    values_of,
)
from models.networks.channels_last import InstanceNorm2d, ReflectionPad2d
from models.networks.cpu_convolutions import Conv2d, ConvTranspose2d
from models.networks.norms import BatchNorm2d, SyncBatchNorm2d
from models.networks.weights import architecture, describe_generator
from options.wording import count
from util.errors import InputError
from util.files import sha256_of

CPU = torch.device("cpu")
AT_ONCE = 8  # images whose statistics are taken together
# Ours differ from PyTorch's in how they compute, which is nothing to put into a file.
PLAIN: dict[type[nn.Module], type[nn.Module]] = {
    Conv2d: nn.Conv2d,
    ConvTranspose2d: nn.ConvTranspose2d,
    InstanceNorm2d: nn.InstanceNorm2d,
    ReflectionPad2d: nn.ReflectionPad2d,
    BatchNorm2d: nn.BatchNorm2d,
    SyncBatchNorm2d: nn.BatchNorm2d,
}


@dataclass(frozen=True)
class Exportable:
    """A generator in evaluation mode, on the CPU.

    Attributes:
        network: for the file: PyTorch's own layers.
        translator: the same as this library computes it, which the file is compared with.
        weights: of the generator, by the names that training knows.
        facts: what it is, and how batch norm and dropout are dealt with.
    """

    network: nn.Module
    translator: Translator
    weights: dict[str, torch.Tensor]
    facts: dict[str, Any]

    @property
    def input_nc(self) -> int:
        return self.translator.input_nc

    @property
    def multiple(self) -> int:
        """What the sides of images must be divisible by."""
        return int(getattr(self.network, "size_multiple", 1))

    @property
    def smallest(self) -> int:
        """The least side of images."""
        return max(self.multiple, int(getattr(self.network, "smallest_input", 1)))

    def check_size(self, size: int) -> None:
        """Raises: InputError when images of that size do not go through the generator."""
        if size % self.multiple or size < self.smallest:
            fitting = max(self.smallest, round(size / self.multiple) * self.multiple)
            raise InputError(
                f"--size {size} does not fit this generator, whose images have sides that are multiples of {self.multiple}, "
                f"and {self.smallest} or more: use {fitting}"
            )


def open_generator(
    saved: SavedGenerator,
    norm_policy: str = "auto",
    sample: Sequence[torch.Tensor] | None = None,
    device: torch.device = CPU,
) -> Exportable:
    """Opens the generator, with batch norm by each image's statistics ("image") or those of training ("running").

    Args:
        norm_policy: "auto" for what the run was best with.
        sample: images (1, C, H, W) that the running statistics are measured on; None for those of training.
        device: where they are measured.
    Raises: InputError when there is no batch norm to measure for.
    """
    norm_policy = saved.settings.with_policy(norm_policy).norm_policy
    model, generator = build_generator(saved)
    generator.eval().requires_grad_(False)
    has_batch_norm = any(isinstance(module, _BatchNorm) for module in generator.modules())
    statistics = {"image": "of each image", "running": "running, of training"}[norm_policy]
    if sample is not None:
        if not has_batch_norm or norm_policy != "running":
            raise InputError(
                "--recalibrate measures running statistics: it needs a generator with batch norm, and --norm_policy running"
            )
        recalibrate(generator.to(device), sample)
        generator.cpu()
        statistics = f"running, measured again on {count(len(sample), 'image')}"
    weights = generator.state_dict()
    apply_norm_policy(model, norm_policy)
    facts = {
        "architecture": architecture_of(saved, weights),
        "norm_policy": norm_policy if has_batch_norm else "none",
        "norm_statistics": statistics if has_batch_norm else "of each image",
        "dropout": "off",
        "trained_with_dropout": _had_dropout(saved, generator),
        "weights": saved.path.name,
        "weights_sha256": sha256_of(saved.path),
    }
    translator = Translator(model, generator, CPU, 1, values_of(saved))
    return Exportable(plain_layers(generator), translator, weights, facts)


def architecture_of(saved: SavedGenerator, weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Returns the arguments of `define_G` that such weights fit; {} for a network that is not ours."""
    found = architecture(weights, saved.flags)
    if found:  # which only a ResNet's names depend on
        found["use_dropout"] = not found.pop("no_dropout", True)
        for name in ("antialias", "antialias_up"):
            if not found.pop(f"no_{name}", True):
                found[name] = True
    return found


def _had_dropout(saved: SavedGenerator, generator: nn.Module) -> bool | None:
    """Tells whether it was trained with dropout; None where neither options nor weights say so."""
    if "no_dropout" in saved.flags:
        return not saved.flags["no_dropout"]
    without = describe_generator(generator.state_dict()).get("no_dropout")
    return None if without is None else not without


def plain_layers(network: nn.Module) -> nn.Module:
    """Returns a copy of PyTorch's own layers, for exporters to see no more than these."""
    copied = copy.deepcopy(network)
    for module in copied.modules():  # ours add methods, no attributes
        module.__class__ = PLAIN.get(type(module), type(module))
    return copied


def recalibrate(network: nn.Module, sample: Sequence[torch.Tensor]) -> None:
    """Measures batch norm's running statistics again: the mean over batches of a few images each."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
        norm.train()
    device = next(network.parameters()).device
    with torch.no_grad():
        for start in range(0, len(sample), AT_ONCE):
            network(torch.cat(list(sample[start : start + AT_ONCE])).to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
