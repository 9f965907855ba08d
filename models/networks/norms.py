"""Building blocks that all networks share: normalization, initialisation, and their test-time form."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from models.networks.channels_last import InstanceNorm2d, ordered_norm

NormLayer = Callable[[int], nn.Module]


class SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; each one's gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return SumOverProcesses.apply(gradient)  # which can be differentiated again, for wgangp


class BatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d, on a CPU with the right gradient for images in any order of memory."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if input.device.type == "cpu":
            return ordered_norm(super().forward, input)
        return super().forward(input)


class SyncBatchNorm2d(BatchNorm2d):
    """Batch norm with the statistics of all processes' images together, on any device.

    nn.SyncBatchNorm refuses CPUs, where it could not be tested.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not (self.training and dist.is_available() and dist.is_initialized()):
            return super().forward(input)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        count = SumOverProcesses.apply(x.new_tensor(x.numel() / x.shape[1]))
        if count < 2:
            raise ValueError("batch norm needs more than one value per channel")
        mean = SumOverProcesses.apply(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = SumOverProcesses.apply(centred.square().sum((0, 2, 3))) / count
        self._track(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _track(self, mean: torch.Tensor, unbiased_variance: torch.Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
        self.running_var.lerp_(unbiased_variance.to(self.running_var), self.momentum)
        self.num_batches_tracked.add_(1)


def norm_layer(norm: str) -> NormLayer:
    """Channels -> layer, for a --norm spelling; instance norm has neither weights nor statistics."""
    if norm == "batch":
        return BatchNorm2d
    if norm in ("syncbatch", "sync_batch"):
        return SyncBatchNorm2d
    if norm in ("instance", "sync_instance"):  # nothing to synchronize: statistics are per image
        return InstanceNorm2d
    if norm == "none":
        return lambda channels: nn.Identity()
    raise ValueError(f"unknown normalization {norm!r}")


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this norm has a bias: batch norms bring their own."""
    return norm not in ("batch", "syncbatch", "sync_batch")


def init_weights(network: nn.Module, init_type: str = "normal", init_gain: float = 0.02) -> None:
    """Draws convolution and linear weights (biases 0); batch norm weights are N(1, init_gain)."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.affine:
                nn.init.normal_(module.weight, 1.0, init_gain)
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
            _init_weight(module.weight, init_type, init_gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _init_weight(weight: torch.Tensor, init_type: str, gain: float) -> None:
    if init_type == "normal":
        nn.init.normal_(weight, 0.0, gain)
    elif init_type == "xavier":
        nn.init.xavier_normal_(weight, gain=gain)
    elif init_type == "kaiming":
        nn.init.kaiming_normal_(weight, a=0, mode="fan_in")
    elif init_type == "orthogonal":
        nn.init.orthogonal_(weight, gain=gain)
    else:
        raise ValueError(f"unknown initialisation {init_type!r}")


class ImageDropout(nn.Dropout):
    """Dropout whose noise belongs to the image, not to the batch it is in.

    generators: one for each image of the next batch; shared with whoever seeds them.
    """

    def __init__(self, p: float, generators: list[torch.Generator]) -> None:
        super().__init__(p)
        self.generators = generators

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        keep = 1 - self.p
        noise = [
            torch.empty_like(image).bernoulli_(keep, generator=generator)
            for image, generator in zip(input, self.generators, strict=True)
        ]
        return input * torch.stack(noise).div_(keep)


def separate_images(network: nn.Module) -> list[torch.Generator]:
    """Makes each image's result, in training mode, that of a batch of one, whatever batch it is in.

    The original code tests pix2pix so, image by image. Batch norm turns into the instance norm that it then equals, and
    dropout draws from the generators returned: put one for each image there before every batch.
    """
    generators: list[torch.Generator] = []
    separate_norms(network)
    for parent in list(network.modules()):
        for name, module in parent.named_children():
            if isinstance(module, nn.Dropout):
                setattr(parent, name, ImageDropout(module.p, generators))
    return generators


def separate_norms(network: nn.Module) -> None:
    """Batch norm turns into a norm of each image by itself, in training mode and out of it."""
    for parent in list(network.modules()):
        for name, module in parent.named_children():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                setattr(parent, name, image_norm(module))


def image_norm(batch_norm: nn.modules.batchnorm._BatchNorm) -> InstanceNorm2d:
    """What a batch norm in training mode does to a batch of one image, with the same parameters."""
    norm = InstanceNorm2d(batch_norm.num_features, batch_norm.eps, affine=True)
    norm.weight, norm.bias = batch_norm.weight, batch_norm.bias
    return norm


def rebuilt(network: nn.Module, replacement: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    """The network with other layers where `replacement` gives one; it shares all else, and is not changed itself."""
    layer = replacement(network)
    if layer is not None:
        return layer
    twin = copy.copy(network)
    twin._modules = {
        name: child and rebuilt(child, replacement) for name, child in network._modules.items()
    }
    return twin
