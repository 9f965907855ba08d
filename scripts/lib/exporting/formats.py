"""Formats of exported files: a job to write, a runtime to read back with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

PRECISIONS = ("fp32", "half", "int8")


@dataclass(frozen=True)
class ExportJob:
    """A file to write.

    Attributes:
        network: of PyTorch's own layers, float32 (N, C, H, W) in [-1, 1] -> the same range.
        weights: by the names that training knows.
        channels, multiple: of its input; what H and W must be divisible by.
        size: H and W that the file takes, if it is not dynamic.
        dynamic: whether N, H and W are free.
        facts: to be put into the file.
        sample: images (1, C, size, size) that int8 takes its ranges from.
    """

    network: nn.Module
    weights: Mapping[str, torch.Tensor]
    channels: int
    multiple: int
    size: int
    dynamic: bool
    precision: str
    facts: dict[str, Any]
    sample: Sequence[torch.Tensor] = ()

    def example(self) -> torch.Tensor:
        """Returns an input to trace with; where sizes are free all of them differ, and none is 1 anywhere inside."""
        if not self.dynamic:
            return torch.zeros(1, self.channels, self.size, self.size)
        least = 2 * self.multiple if self.multiple >= 8 else 16
        return torch.zeros(2, self.channels, least, least + self.multiple)

    def traced(self) -> nn.Module:
        """Returns the network as it is to be traced."""
        return InHalf(self.network).eval() if self.precision == "half" else self.network

    def dynamic_shapes(self) -> tuple[dict[int, Any]] | None:
        """Describes the free axes to torch.export."""
        if not self.dynamic:
            return None
        height, width = (self.multiple * torch.export.Dim(name, min=1) for name in "hw")
        return ({0: torch.export.Dim("n", min=1), 2: height, 3: width},)

    def metadata(self) -> str:
        """Returns JSON for the file."""
        return json.dumps(self.facts)


class InHalf(nn.Module):
    """A network whose weights and arithmetic are float16, between float32 images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images.half()).float()


@dataclass(frozen=True)
class Runtime:
    """A file, ready to run where it is meant to.

    Attributes:
        name: of the runtime, with its version.
        run: float32 (N, C, H, W) in [-1, 1] -> the same.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]


def runner(network: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function of arrays from one of tensors."""

    def run(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(images)).numpy()

    return run


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        suffix: of the files' names.
        precisions: that it can have.
        write, open: a file of it.
        usage: lines of Python that make y of x with such a file, for str.format with its name as file.
    """

    suffix: str
    precisions: tuple[str, ...]
    write: Callable[[ExportJob, Path], None]
    open: Callable[[Path], Runtime]
    usage: str
