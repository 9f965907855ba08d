"""Spectral normalization of discriminators (Miyato et al. 2018)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import register_parametrization

FIRST_ITERATIONS = 15


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, as one power iteration in every training pass estimates it.

    With the keys and values of torch.nn.utils.parametrizations.spectral_norm, whose products autocast would compute in
    a lower precision, or refuse.

    Args:
        weight: (out_channels, ...), as a matrix of so many rows.
    """

    _u: torch.Tensor
    _v: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        for name, length in zip(("_u", "_v"), matrix.shape, strict=True):
            self.register_buffer(name, F.normalize(matrix.new_empty(length).normal_(), dim=0))
        for _ in range(FIRST_ITERATIONS):
            self._iterate(matrix)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        device = "cpu" if weight.is_meta else weight.device.type  # shapes alone are computed, too
        with torch.autocast(device, enabled=False):
            matrix = weight.flatten(1).to(self._u.dtype)
            if self.training:
                self._iterate(matrix.detach())
            # Copies: the next pass overwrites the buffers, which backward needs as they are.
            return weight / (self._u.clone() @ (matrix @ self._v.clone()))

    @torch.no_grad()
    def _iterate(self, matrix: torch.Tensor) -> None:
        """Takes a step towards the singular vectors, in the buffers' own memory."""
        F.normalize(matrix @ self._v, dim=0, out=self._u)
        F.normalize(matrix.T @ self._u, dim=0, out=self._v)


def normalize_spectrally(network: nn.Module) -> None:
    """Puts a `SpectralNorm` on every convolution and linear layer, whose `weight` becomes the normalized one."""
    for module in list(network.modules()):
        if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
            register_parametrization(module, "weight", SpectralNorm(module.weight))
