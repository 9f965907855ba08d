"""Execution settings: the device, the arithmetic and the shortcuts that a model computes with."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.engine.precision import Precision

CPU, FLOAT32 = torch.device("cpu"), Precision()


@dataclass(frozen=True)
class Execution:
    """Settings of how a model computes. The default is float32 on the CPU, whole images, step by step.

    Attributes:
        device: where networks and images lie.
        precision: of the networks' arithmetic.
        layout: memory order of images and of convolution weights; None is the fastest one on the device.
        tile: side of the squares in which large images are translated, in pixels; 0 is whole images.
        tile_mode: "exact" or "blend", see `models.tiling`.
        health: whether training steps also measure gradients and verdicts (--log_health); learning stays the same.
        cuda_graphs: whether steps that can be are recorded as CUDA graphs.
        two_streams: whether recorded steps compute independent halves at the same time.
        cast_once: whether weights are cast to a lower precision once in a part of a step, not in every pass.
    """

    device: torch.device = CPU
    precision: Precision = FLOAT32
    layout: torch.memory_format | None = None
    tile: int = 0
    tile_mode: str = "exact"
    health: bool = False
    cuda_graphs: bool = False
    two_streams: bool = False
    cast_once: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """`layout`, or the order that convolutions on the device are fastest in."""
        fastest = torch.channels_last if self.device.type == "cuda" else torch.preserve_format
        return self.layout or fastest
