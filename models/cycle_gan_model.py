"""CycleGAN: unpaired image-to-image translation (Zhu et al. 2017)."""

from __future__ import annotations

import logging
from functools import partial
from typing import ClassVar

import torch

from models.base_model import Adam, Batch, Step
from models.engine.cuda_graphs import Outputs
from models.engine.optimization import step_outputs
from models.gan_model import GANModel, frozen
from models.losses import reconstruction_loss
from models.networks.perceptual import load_perceptual_network
from options.model_options import CycleGANOptions
from util.images.nodata import fill_where

# Losses are logged in this order, for each side; those of a subclass follow.
ORDER = tuple(f"{loss}_{side}" for side in "AB" for loss in ("D", "G", "cycle", "idt"))


class CycleGANModel(GANModel):
    """G_A: A -> B, G_B: B -> A. D_A judges images of domain B, D_B those of domain A."""

    Options = CycleGANOptions
    options: CycleGANOptions
    records_steps = True
    leaves_out_missing = True
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
        if options.lambda_perceptual:
            self.frozen_networks["perceptual"] = load_perceptual_network(options.vgg_weights)
        if self.has_D:
            self.D_A = self.build_D(options.output_nc)
            self.D_B = self.build_D(options.input_nc)
            self.optimizers["D"] = adam(self.D_A, self.D_B)
            self.pools = {"A": self.build_pool("A"), "B": self.build_pool("B")}

    def train_step(self, batch: Batch) -> Step:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        train_G = partial(self._train_G, self.next_step_trains_G())
        # G first, against D as it is; then D, on images of this step and earlier ones.
        outputs = self.run_as_graph("G", train_G, real_A, real_B, *self.valid_pixels(batch))
        if self.has_D:
            fake_A = self.pools["A"].query(outputs["fake_A"])  # (N, input_nc, H, W)
            fake_B = self.pools["B"].query(outputs["fake_B"])  # (N, output_nc, H, W)
            outputs |= self.run_as_graph("D", self._train_D, real_A, real_B, fake_A, fake_B)
        return Step.of(outputs, ORDER)

    def _train_G(
        self, trains: bool, real_A: torch.Tensor, real_B: torch.Tensor, *valid: torch.Tensor
    ) -> Outputs:
        """Takes a step of both generators on (N, input_nc, H, W) and (N, output_nc, H, W).

        valid: which pixels of A and of B hold data, (N, 1, H, W); all do without them.
        """
        discriminators = (self.D_A, self.D_B) if self.has_D else ()
        with torch.set_grad_enabled(trains), frozen(*discriminators):
            losses, images = self._G_losses(real_A, real_B, *valid)
            losses |= self.extra_losses(images)
            if trains:
                self.descend("G", losses)
        off = {f"idt_{side}": real_A.new_zeros(()) for side in "AB"}
        return step_outputs(images, {**off, **losses})

    def _train_D(
        self, real_A: torch.Tensor, real_B: torch.Tensor, fake_A: torch.Tensor, fake_B: torch.Tensor
    ) -> Outputs:
        """Takes a step of both discriminators."""
        with self.fork() as beside:
            D_A = self.D_losses(self.D_A, real_B, fake_B)["total"]
            penalty_A = self.penalty(self.D_A, real_B)
            with beside:
                D_B = self.D_losses(self.D_B, real_A, fake_A)["total"]
                penalty_B = self.penalty(self.D_B, real_A)
        self.descend("D", {"D_A": D_A, "D_B": D_B, **penalty_A, **penalty_B})
        return step_outputs({}, {"D_A": D_A, "D_B": D_B})

    def _G_losses(
        self,
        real_A: torch.Tensor,
        real_B: torch.Tensor,
        A_valid: torch.Tensor | None = None,
        B_valid: torch.Tensor | None = None,
    ) -> tuple[Outputs, Outputs]:
        """Computes the generators' weighted losses (Zhu et al. 2017, Eq. 3 and 5.2), and all images on the way to them."""
        o, weight = self.options, self.lambda_identity  # relative to the cycles

        # To the other domain; an image and the identity partner of its direction go through G together.
        with self.fork() as beside:
            if weight > 0:
                fake_B, idt_A = self.run_together(self.G_A, real_A, real_B)
                with beside:
                    fake_A, idt_B = self.run_together(self.G_B, real_B, real_A)
            else:
                fake_B = self.run(self.G_A, real_A)  # (N, output_nc, H, W) in [-1, 1]
                with beside:
                    fake_A = self.run(self.G_B, real_B)  # (N, input_nc, H, W)

        # Pixels without data look like those of the images themselves.
        if A_valid is not None and B_valid is not None:
            fake_B, fake_A = fill_where(fake_B, A_valid), fill_where(fake_A, B_valid)

        # And back.
        losses: Outputs = {}
        with self.fork() as beside:
            with beside:
                rec_A = self.run(self.G_B, fake_B)
            rec_B = self.run(self.G_A, fake_A)
            if self.has_D:
                losses["G_A"] = self.G_loss(self.D_A, fake_B)
                with beside:
                    losses["G_B"] = self.G_loss(self.D_B, fake_A)
        losses["cycle_A"] = o.lambda_A * reconstruction_loss(rec_A, real_A, "l1", A_valid)
        losses["cycle_B"] = o.lambda_B * reconstruction_loss(rec_B, real_B, "l1", B_valid)

        if A_valid is not None and B_valid is not None:
            rec_A, rec_B = torch.where(A_valid, rec_A, real_A), torch.where(B_valid, rec_B, real_B)
        if o.lambda_perceptual:
            losses["perceptual_A"] = o.lambda_perceptual * self.perceptual_loss(rec_A, real_A)
            losses["perceptual_B"] = o.lambda_perceptual * self.perceptual_loss(rec_B, real_B)

        A = {"real_A": real_A, "fake_B": fake_B, "rec_A": rec_A}
        B = {"real_B": real_B, "fake_A": fake_A, "rec_B": rec_B}
        if weight > 0:
            of_A = reconstruction_loss(idt_A, real_B, "l1", B_valid)
            of_B = reconstruction_loss(idt_B, real_A, "l1", A_valid)
            losses["idt_A"] = weight * o.lambda_B * of_A
            losses["idt_B"] = weight * o.lambda_A * of_B
            A, B = {**A, "idt_B": idt_B}, {**B, "idt_A": idt_A}
        return losses, {**A, **B}

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        fake_B, fake_A = self.translated(self.G_A, real_A), self.translated(self.G_B, real_B)
        rec_A, rec_B = self.translated(self.G_B, fake_B), self.translated(self.G_A, fake_A)
        A = {"real_A": real_A, "fake_B": fake_B, "rec_A": rec_A}
        return {**A, "real_B": real_B, "fake_A": fake_A, "rec_B": rec_B}
