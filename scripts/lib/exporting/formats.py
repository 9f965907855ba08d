"""Formats of exported files: a job to write, a runtime to read back with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.exporting.generator import Exportable


@dataclass(frozen=True)
class ExportJob:
    """A file to write.

    Attributes:
        generator: what it holds.
        facts: see `gather_facts`. They are put into the file, and say its precision and the size of images that it
            takes, or that N, H and W are free (dynamic).
        sample: images (1, C, size, size) that int8 takes its ranges from.
    """

    generator: Exportable
    facts: dict[str, Any]
    sample: Sequence[torch.Tensor] = ()

    @property
    def precision(self) -> str:
        return self.facts["precision"]

    @property
    def dynamic(self) -> bool:
        return self.facts["dynamic"]

    def example(self) -> torch.Tensor:
        """Returns an input to trace with; where sizes are free all of them differ, and none is 1 anywhere inside."""
        channels, multiple = self.generator.input_nc, self.generator.multiple
        if not self.dynamic:
            return torch.zeros(1, channels, self.facts["size"], self.facts["size"])
        least = 2 * multiple if multiple >= 8 else 16
        return torch.zeros(2, channels, least, least + multiple)

    def traced(self) -> nn.Module:
        """Returns the network as it is to be traced."""
        network = self.generator.network
        return InHalf(network).eval() if self.precision == "half" else network

    def dynamic_shapes(self) -> tuple[dict[int, Any]] | None:
        """Describes the free axes to torch.export."""
        if not self.dynamic:
            return None
        height, width = (self.generator.multiple * torch.export.Dim(name, min=1) for name in "hw")
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
