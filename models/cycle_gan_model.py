"""CycleGAN: unpaired image-to-image translation (Zhu et al. 2017)."""

from __future__ import annotations

import logging
from functools import partial
from typing import ClassVar

import torch
from torch.nn import functional as F

from models.base_model import Adam, Batch, Step
from models.engine.cuda_graphs import Outputs
from models.gan_model import GANModel, frozen
from options.model_options import CycleGANOptions

LOSSES = ("D", "G", "cycle", "idt")


class CycleGANModel(GANModel):
    """G_A: A -> B, G_B: B -> A. D_A judges images of domain B, D_B those of domain A."""

    Options = CycleGANOptions
    options: CycleGANOptions
    records_steps = True
    sources: ClassVar[dict[str, str]] = {"real_B": "B", "fake_A": "B", "rec_B": "B", "idt_A": "B"}
    plateau_losses = ("cycle_A", "cycle_B")

    def __init__(self, options: CycleGANOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G_A = self.build_G(options.input_nc, options.output_nc)
        self.G_B = self.build_G(options.output_nc, options.input_nc)
        self.lambda_identity = options.lambda_identity
        if adam is None:
            return
        if self.lambda_identity > 0 and options.input_nc != options.output_nc:
            self.lambda_identity = 0.0
            logging.getLogger(__name__).warning(
                "identity loss is off: it compares G_A(B) with B, which needs --input_nc equal to --output_nc"
            )
        self.optimizers = {"G": adam(self.G_A, self.G_B)}
        if self.has_D:
            self.D_A = self.build_D(options.output_nc)
            self.D_B = self.build_D(options.input_nc)
            self.optimizers["D"] = adam(self.D_A, self.D_B)
            self.pools = {"A": self.build_pool("A"), "B": self.build_pool("B")}

    def train_step(self, batch: Batch) -> Step:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        train_G = partial(self._train_G, self.next_step_trains_G())
        outputs = self.recorded("G", train_G, real_A, real_B)
        if self.has_D:
            fake_A = self.pools["A"].query(outputs["fake_A"])
            fake_B = self.pools["B"].query(outputs["fake_B"])
            outputs |= self.recorded("D", self._train_D, real_A, real_B, fake_A, fake_B)
        return Step.of(outputs, [f"{loss}_{side}" for side in "AB" for loss in LOSSES])

    def _train_G(self, trains: bool, real_A: torch.Tensor, real_B: torch.Tensor) -> Outputs:
        discriminators = (self.D_A, self.D_B) if self.has_D else ()
        with torch.set_grad_enabled(trains), frozen(*discriminators):
            losses, visuals = self._G_losses(real_A, real_B)
            if trains:
                self.descend("G", torch.stack(list(losses.values())).sum())
        for side in "AB":
            losses.setdefault(f"idt_{side}", real_A.new_zeros(()))
        images = {name: image.detach() for name, image in visuals.items()}
        return {**images, **{f"loss_{name}": loss.detach() for name, loss in losses.items()}}

    def _train_D(
        self,
        real_A: torch.Tensor,
        real_B: torch.Tensor,
        fake_A: torch.Tensor,
        fake_B: torch.Tensor,
    ) -> Outputs:
        with self.fork() as beside:
            D_A = self.D_losses(self.D_A, real_B, fake_B)["total"]
            with beside:
                D_B = self.D_losses(self.D_B, real_A, fake_A)["total"]
        self.descend("D", D_A + D_B)
        return {"loss_D_A": D_A.detach(), "loss_D_B": D_B.detach()}

    def _G_losses(
        self, real_A: torch.Tensor, real_B: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The generators' weighted losses and all images on the way to them."""
        o = self.options
        with self.fork() as beside:
            if self.lambda_identity > 0:
                fake_B, idt_A = self.run_all(self.G_A, real_A, real_B)
                with beside:
                    fake_A, idt_B = self.run_all(self.G_B, real_B, real_A)
            else:
                fake_B = self.run(self.G_A, real_A)
                with beside:
                    fake_A = self.run(self.G_B, real_B)
        losses = {}
        with self.fork() as beside:
            with beside:
                rec_A = self.run(self.G_B, fake_B)
            rec_B = self.run(self.G_A, fake_A)
            if self.has_D:
                losses["G_A"] = self.G_loss(self.D_A, fake_B)
                with beside:
                    losses["G_B"] = self.G_loss(self.D_B, fake_A)
        losses["cycle_A"] = o.lambda_A * F.l1_loss(rec_A, real_A)
        losses["cycle_B"] = o.lambda_B * F.l1_loss(rec_B, real_B)
        A = {"real_A": real_A, "fake_B": fake_B, "rec_A": rec_A}
        B = {"real_B": real_B, "fake_A": fake_A, "rec_B": rec_B}
        if self.lambda_identity > 0:
            losses["idt_A"] = self.lambda_identity * o.lambda_B * F.l1_loss(idt_A, real_B)
            losses["idt_B"] = self.lambda_identity * o.lambda_A * F.l1_loss(idt_B, real_A)
            A, B = {**A, "idt_B": idt_B}, {**B, "idt_A": idt_A}
        return losses, {**A, **B}

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        fake_B, fake_A = self.translated(self.G_A, real_A), self.translated(self.G_B, real_B)
        rec_A, rec_B = self.translated(self.G_B, fake_B), self.translated(self.G_A, fake_A)
        A = {"real_A": real_A, "fake_B": fake_B, "rec_A": rec_A}
        return {**A, "real_B": real_B, "fake_A": fake_A, "rec_B": rec_B}
