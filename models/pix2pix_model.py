"""pix2pix: paired image-to-image translation with a conditional GAN (Isola et al. 2017)."""

from __future__ import annotations

from functools import partial

import torch

from models.base_model import Adam, Batch, Step
from models.engine.cuda_graphs import Outputs
from models.gan_model import GANModel, frozen
from models.losses import reconstruction_loss
from options.model_options import Pix2PixOptions

LOSSES = ("G_GAN", "G_L1", "G_Feat", "D_real", "D_fake", "D_gp")


class Pix2PixModel(GANModel):
    """G: A -> B. D judges A and B together, patch by patch."""

    Options = Pix2PixOptions
    options: Pix2PixOptions
    records_steps = True
    plateau_losses = ("G_L1",)

    def __init__(self, options: Pix2PixOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)
        if adam:
            self.optimizers = {"G": adam(self.G)}
        if adam and self.has_D:
            self.D = self.build_D(options.input_nc + options.output_nc)
            self.optimizers["D"] = adam(self.D)
            self.pools = {"AB": self.build_pool("AB")}

    def train_step(self, batch: Batch) -> Step:
        train = partial(self._train, self.next_step_trains_G())
        return Step.of(self.recorded("step", train, *self.pair(batch)), LOSSES)

    def why_not_recorded(self) -> str:
        if self.has_D and self.options.pool_size:
            return "the image pool (--pool_size) is in the middle of pix2pix's step"
        return super().why_not_recorded()

    def _train(self, trains_G: bool, real_A: torch.Tensor, real_B: torch.Tensor) -> Outputs:
        o, losses = self.options, {}
        with torch.set_grad_enabled(trains_G):
            fake_B = self.run(self.G, real_A)
            reconstruction = reconstruction_loss(fake_B, real_B, o.loss_reconstruction)
            losses["G_L1"] = o.lambda_L1 * reconstruction
        if self.has_D:
            losses |= self._train_D(trains_G, real_A, fake_B, real_B)
        if trains_G:
            by_D = losses.get("G_GAN", 0.0) + losses["G_L1"]
            self.descend("G", by_D + losses["G_Feat"] if "G_Feat" in losses else by_D)
        visuals = {"real_A": real_A, "fake_B": fake_B.detach(), "real_B": real_B}
        return {**visuals, **{f"loss_{name}": loss.detach() for name, loss in losses.items()}}

    def _train_D(
        self, trains_G: bool, real_A: torch.Tensor, fake_B: torch.Tensor, real_B: torch.Tensor
    ) -> Outputs:
        """A step of D; returns its losses, and what G's is against it afterwards."""
        with torch.set_grad_enabled(trains_G):
            fake_AB = torch.cat([real_A, fake_B], dim=1)  # (N, input_nc + output_nc, H, W)
        real_AB = torch.cat([real_A, real_B], dim=1)
        losses = self.D_losses(self.D, real_AB, self.pools["AB"].query(fake_AB))
        self.descend("D", losses["total"])
        with torch.set_grad_enabled(trains_G), frozen(self.D):
            by_D = self.paired_G_losses(self.D, fake_AB, real_AB)
        found = {f"G_{name}": loss for name, loss in by_D.items()}
        return {**found, **{f"D_{name}": loss for name, loss in losses.items()}}

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        return {"real_A": real_A, "fake_B": self.translated(self.G, real_A), "real_B": real_B}
