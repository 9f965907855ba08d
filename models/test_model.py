"""One generator applied to a folder of images: one side of a CycleGAN, or pix2pix without targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from models.base_model import Adam, BaseModel, Batch
from options.base_options import ModelOptions
from options.flags import flag


@dataclass(frozen=True)
class TestModelOptions(ModelOptions):
    """Which generator."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "single"}
    __test__: ClassVar[bool] = False

    model_suffix: str = flag(
        "", "loads <epoch>_net_G<model_suffix>.pth, e.g. _A for a CycleGAN's A to B", only="test"
    )


class TestModel(BaseModel):
    """Shows `real` and `fake`."""

    __test__ = False
    Options = TestModelOptions
    options: TestModelOptions

    def __init__(self, options: TestModelOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)

    def networks(self) -> dict[str, nn.Module]:
        return {f"G{self.options.model_suffix}": self.G}

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real = self.image(batch, "A")
        return {"real": real, "fake": self.translated(self.G, real)}
