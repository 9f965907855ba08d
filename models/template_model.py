"""A model to copy: plain regression from A to B.

Copy this file to models/<x>_model.py, rename the class to <X>Model, and train with --model <x>. Flags are fields of
the options class; what is logged and shown is what `train_step` returns; everything else (saving, loading,
resuming, schedules, pages, several processes) works by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.nn import functional as F

from models.base_model import Adam, BaseModel, Batch, Step
from options.base_options import ModelOptions, at_least
from options.flags import flag


@dataclass(frozen=True)
class TemplateOptions(ModelOptions):
    """Flags of this model; `flag_defaults` changes defaults of flags that are declared elsewhere."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "aligned"}

    lambda_regression: float = flag(1.0, "weight of the regression loss", only="train")

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, lambda_regression=self.lambda_regression)


class TemplateModel(BaseModel):
    """G: A -> B, by L1 alone."""

    Options = TemplateOptions
    options: TemplateOptions

    def __init__(self, options: TemplateOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)  # saved as <label>_net_G.pth
        if adam:  # training, not testing
            self.optimizers = {"G": adam(self.G)}

    def train_step(self, batch: Batch) -> Step:
        real_A, real_B = self.pair(batch)
        fake_B = self.run(self.G, real_A)
        # A loss is named once, here: it is summed by `descend`, and logged and plotted from what is returned.
        losses = {"G": self.options.lambda_regression * F.l1_loss(fake_B, real_B)}
        self.descend("G", losses)
        return Step(losses, {"real_A": real_A, "fake_B": fake_B, "real_B": real_B})

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        # By these names validation, evaluate.py and the pages know what is to be compared.
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        return {"real_A": real_A, "fake_B": self.translated(self.G, real_A), "real_B": real_B}
