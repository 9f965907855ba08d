"""pix2pix: paired image-to-image translation with a conditional GAN (Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch

from models.base_model import Adam, Batch, Step
from models.engine.cuda_graphs import Outputs
from models.engine.optimization import step_outputs
from models.gan_model import GANModel
from models.losses import class_loss, reconstruction_loss
from models.networks.perceptual import load_perceptual_network
from options.model_options import Pix2PixOptions


class Pix2PixModel(GANModel):
    """G: A -> B. D judges A and B together, patch by patch."""

    Options = Pix2PixOptions
    options: Pix2PixOptions
    records_steps = True
    leaves_out_missing = True
    plateau_losses = ("G_L1",)

    def __init__(self, options: Pix2PixOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)
        if adam:
            self.optimizers = {"G": adam(self.G)}
        if adam and options.lambda_perceptual:
            self.frozen_networks["perceptual"] = load_perceptual_network(options.vgg_weights)
        if adam and self.has_D:
            self.condition_nc = options.input_nc
            self.D = self.build_D(options.input_nc + options.output_nc)
            self.optimizers["D"] = adam(self.D)
            self.pools = {"AB": self.build_pool("AB")}

    def train_step(self, batch: Batch) -> Step:
        train = partial(self._train, self.next_step_trains_G())
        inputs = (*self.pair(batch), *self.valid_pixels(batch))
        return Step.of(self.run_as_graph("step", train, *inputs))

    def plateau_metric(self, losses: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        by_class = [losses["G_CE"]] if "G_CE" in losses else []
        return [*super().plateau_metric(losses), *by_class]

    def why_not_recorded(self) -> str:
        if self.has_D and self.options.pool_size:
            return "the image pool (--pool_size) is in the middle of pix2pix's step"
        return super().why_not_recorded()

    def _train(
        self, trains_G: bool, real_A: torch.Tensor, real_B: torch.Tensor, *sides: torch.Tensor
    ) -> Outputs:
        """Takes a step of D and then of G, on (N, input_nc, H, W) and (N, output_nc, H, W).

        sides: which pixels of A and of B hold data, (N, 1, H, W); all do without them.
        """
        o = self.options
        valid = sides[0] & sides[1] if sides else None
        if o.label_B:
            known = has_class(real_B)
            valid = known if valid is None else valid & known
        with torch.set_grad_enabled(trains_G):
            fake_B = self.run(self.G, real_A)  # (N, output_nc, H, W) in [-1, 1]
            if valid is not None:  # D sees the same there in both, and learns nothing from it
                fake_B = torch.where(valid, fake_B, real_B)
            images = {"real_A": real_A, "fake_B": fake_B, "real_B": real_B}
            G_losses = {**truth_losses(o, fake_B, real_B, valid), **self.extra_losses(images)}
            if o.lambda_perceptual:
                loss = self.perceptual_loss(fake_B, real_B)
                G_losses["G_perceptual"] = o.lambda_perceptual * loss
        D_losses: Outputs = {}
        if self.has_D:
            fake_AB = torch.cat([real_A, fake_B], dim=1)  # (N, input_nc + output_nc, H, W)
            real_AB = torch.cat([real_A, real_B], dim=1)
            by_D, D_losses = self.train_D(
                self.D, "AB", fake_AB, real_AB, trains_G=trains_G, lambda_feat=o.lambda_feat
            )
            G_losses = {"G_GAN": by_D.pop("G_GAN"), **G_losses, **by_D}
        if trains_G:
            self.descend("G", G_losses)
        return step_outputs(images, {**G_losses, **D_losses})

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        return {"real_A": real_A, "fake_B": self.translated(self.G, real_A), "real_B": real_B}


def has_class(labels: torch.Tensor) -> torch.Tensor:
    """Tells which pixels (N, 1, H, W) of label maps (N, K, H, W) have a class: the others are -1 in all channels."""
    return labels.amax(dim=1, keepdim=True) > 0


def truth_losses(
    options: Pix2PixOptions,
    fake_B: torch.Tensor,
    real_B: torch.Tensor,
    valid: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """Computes G's weighted losses by the known truth, for every model with pix2pix's flags.

    Args:
        fake_B, real_B: (N, output_nc, H, W) in [-1, 1].
        valid: (N, 1, H, W), the pixels that count; None for all.
    """
    L1 = reconstruction_loss(fake_B, real_B, options.loss_reconstruction, valid)
    losses = {"G_L1": options.lambda_L1 * L1}
    if options.label_B and options.lambda_CE:
        losses["G_CE"] = options.lambda_CE * class_loss(fake_B, real_B, valid)
    return losses
