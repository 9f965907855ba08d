"""Patches that CUT compares (Park et al. 2020): features of inner layers, where they are taken, what projects them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.networks.channels_last import is_channels_last
from models.networks.fused.layers import Fusion, can_run, run

# Fields along each side into which --netF reshape averages a map.
FIELDS = 4


def encode(
    layers: Sequence[nn.Module],
    x: torch.Tensor,
    numbers: Sequence[int],
    *,
    to_end: bool = False,
    fusion: Fusion | None = None,
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Runs layers one after the other, up to the last numbered one or to the end.

    As in the published code, a numbered layer that a ReLU follows counts with it, unless it is the last one.

    Args:
        x: (N, C, H, W).
        numbers: of the layers whose outputs are features, rising.
        fusion: how those in between run on an NVIDIA GPU.
    Returns: the features, (N, C', H', W') each; the output of the layer that was run last.
    """
    features: dict[int, torch.Tensor] = {}
    last = numbers[-1]
    ends = {_with_relu(layers, number, last): number for number in numbers}
    begin = 0
    for end in [*ends, len(layers) - 1] if to_end else ends:
        between = layers[begin : end + 1]
        if begin == last + 1 and between and isinstance(between[0], nn.ReLU):
            x = x.clone()  # which the ReLU overwrites
        x = _run(between, x, fusion)
        if end in ends:
            features[ends[end]] = x
        begin = end + 1
    return list(features.values()), x


def _run(layers: Sequence[nn.Module], x: torch.Tensor, fusion: Fusion | None) -> torch.Tensor:
    if can_run(fusion, x):
        return run(layers, x, fusion)
    for layer in layers:
        x = layer(x)
    return x


def _with_relu(layers: Sequence[nn.Module], number: int, last: int) -> int:
    """The number of the ReLU that follows a layer, or its own."""
    following = number + 1
    while following <= last and isinstance(layers[following], nn.Identity):  # norm none
        following += 1
    return following if following <= last and isinstance(layers[following], nn.ReLU) else number


def layer_numbers(text: str, network: Any) -> list[int]:
    """The layers that --nce_layers names: rising numbers, or "auto" for those that the network recommends.

    Raises: ValueError when the network has no such layers.
    """
    if not hasattr(network, "encoder"):
        raise ValueError(
            "--model cut needs a --netG that gives features of its layers (encoder and feature_layers, as in "
            "models/networks/resnet.py): choose a ResNet or a U-Net"
        )
    if text == "auto":
        return list(network.feature_layers)
    count = len(network.encoder())
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    rising = all(a < b for a, b in pairwise(numbers))
    if not numbers or not rising or numbers[0] < 0 or numbers[-1] >= count:
        raise ValueError(
            f"--nce_layers {text!r}: give rising numbers of layers from 0 to {count - 1}, such as "
            f"{','.join(map(str, network.feature_layers))}"
        )
    return numbers


def draw_positions(pixels: int, count: int, device: torch.device) -> torch.Tensor:
    """Different positions among so many, all alike likely; every one with count 0. Returns (min(count, pixels),)."""
    if count == 0 or count >= pixels:
        return torch.arange(pixels, device=device)
    return torch.rand(pixels, device=device).topk(count).indices


def draw_flip() -> bool:
    """Whether a step's images are mirrored: half of the time."""
    return bool(torch.rand(()) < 0.5)


def mirrored_positions(positions: torch.Tensor, width: int) -> torch.Tensor:
    """Positions (row-major) of the same pixels in the map mirrored from left to right."""
    columns = positions % width
    return positions - columns + (width - 1 - columns)


def pick_rows(features: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W), (S,) row-major -> (N, S, C): what the map has there, the same places for every image."""
    if is_channels_last(features):  # and so will its gradient be
        return features.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, positions)
    return features.flatten(2).index_select(2, positions).transpose(1, 2)


def average_rows(features: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, 16, C): means of 4 x 4 fields.

    By matrix products, whose gradient on a GPU, unlike that of PyTorch's pooling, is the same every time.
    """
    rows, columns = (averaging(side, FIELDS, features) for side in features.shape[-2:])
    return (rows @ features @ columns.T).flatten(2).transpose(1, 2)


def averaging(size: int, parts: int, like: torch.Tensor) -> torch.Tensor:
    """(parts, size): the matrix that makes as many means of neighbours out of a vector, or repeats them where it has fewer."""
    unit = torch.eye(size, dtype=like.dtype, device=like.device)
    return F.adaptive_avg_pool1d(unit, parts).T


def normalise_rows(rows: torch.Tensor) -> torch.Tensor:
    """(..., C), each row divided by its length."""
    return rows / (torch.linalg.vector_norm(rows, dim=-1, keepdim=True) + 1e-7)


class PatchMLP(nn.Module):
    """Rows of several maps, (N, S, C) each, to as many of length 1, (N, S, width): two layers for every map.

    Args:
        channels: of each map.
    """

    def __init__(self, channels: Sequence[int], width: int = 256) -> None:
        super().__init__()
        for i, nc in enumerate(channels):
            mlp = nn.Sequential(nn.Linear(nc, width), nn.ReLU(), nn.Linear(width, width))
            self.add_module(f"mlp_{i}", mlp)

    def forward(self, rows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [normalise_rows(one) for one in self.project(rows)]

    def project(self, rows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The rows before they are brought to length 1."""
        return [self.get_submodule(f"mlp_{i}")(one) for i, one in enumerate(rows)]
