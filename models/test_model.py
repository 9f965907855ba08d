"""One generator applied to a folder of images: one side of a CycleGAN, or pix2pix without targets."""

from __future__ import annotations

import torch
from torch import nn

from models.base_model import Adam, BaseModel, Batch
from options.model_options import TestModelOptions


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
