"""The base of models with discriminators: their losses, image pools and critic steps."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from models.base_model import Adam, BaseModel
from models.engine.cuda_graphs import Outputs
from models.engine.diffaugment import augment, draw_augmentation
from models.engine.image_pool import ImagePool
from models.losses import (
    feature_matching_loss,
    gan_loss,
    gradient_penalty,
    mean_verdict,
    r1_penalty,
)
from models.networks import define_D, own_flags
from models.networks.fused.layers import unfused
from options.base_options import GANOptions
from util import distributed
from util.errors import InputError
from util.metrics.efficientnet_lite import perceptual_distance
from util.position_seed import position_seed

# With instance norm D learned at 0.01, and at 0.1 nothing but to be flat (docs/tips.md).
MOST_R1_WITH_NORM = 0.01


@dataclass
class StepCount:
    """Training steps taken, saved with the model."""

    steps: int = 0

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


class GANModel(BaseModel):
    """A model that trains generators against discriminators, whose optimizer is called D.

    Attributes:
        condition_nc: channels at the front of D's images that are a condition; the others are judged.
    """

    condition_nc = 0
    Options: ClassVar[type[GANOptions]] = GANOptions
    options: GANOptions

    def __init__(self, options: GANOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.count = StepCount()
        if adam and options.lr_D:
            if not adam.lr:
                raise InputError("--lr_D follows the schedule of --lr, which must be above 0")
            self.rate_factors["D"] = options.lr_D / adam.lr
        if adam and options.r1 > MOST_R1_WITH_NORM and (options.normD or options.norm) != "none":
            logging.getLogger(__name__).warning(
                "a norm in discriminators makes the gradient that --r1 %g penalizes some tens of times steeper, so that "
                "they may learn nothing else: give --normD none, or --r1 0.01",
                options.r1,
            )

    def stateful(self) -> dict[str, Any]:
        return {**super().stateful(), "count": self.count}

    @property
    def has_D(self) -> bool:
        """True if discriminators are trained: --lambda_GAN is not 0."""
        return self.options.lambda_GAN > 0

    def build_D(self, input_nc: int) -> nn.Module:
        """Builds a discriminator as the options say."""
        o = self.options
        return define_D(
            input_nc,
            o.ndf,
            o.netD,
            o.n_layers_D,
            o.normD or o.norm,
            o.init_type,
            o.init_gain,
            num_D=o.num_D,
            spectral_norm=o.spectral_norm,
            antialias=not o.no_antialias,
            condition_nc=self.condition_nc,
            **own_flags("discriminator", o.netD, o),
        )

    def build_pool(self, name: str) -> ImagePool:
        """Builds a history of generated images, with random numbers of its own in each process."""
        rng = random.Random(position_seed(self.seed, distributed.rank(), f"pool_{name}"))
        return ImagePool(self.options.pool_size, rng)

    def next_step_trains_G(self) -> bool:
        """Counts a step: every one trains G, but with wgangp's critic only each n_critic-th."""
        self.count.steps += 1
        critic = self.has_D and self.options.gan_mode == "wgangp"
        return not critic or self.count.steps % self.options.n_critic == 0

    @property
    def penalizes(self) -> bool:
        """True in a step that has R1: every --r1_interval-th."""
        return self.options.r1 > 0 and self.count.steps % self.options.r1_interval == 0

    def run_as_graph(
        self, name: str, function: Callable[..., Outputs], *inputs: torch.Tensor
    ) -> Outputs:
        """As in `Engine`; steps with R1 are recordings of their own."""
        return super().run_as_graph(
            f"{name} with R1" if self.penalizes else name, function, *inputs
        )

    def why_not_recorded(self) -> str:
        if self.has_D and self.options.gan_mode == "wgangp":
            return "wgangp trains G in some steps only"
        return super().why_not_recorded()

    def extra_losses(self, images: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Computes weighted losses that are added to the generators', by the names under which they are logged.

        For subclasses; none here. Networks that only measure belong in `frozen_networks`.

        Args:
            images: the step's visuals, (N, C, H, W) in [-1, 1], with gradients where a generator made them.
        """
        return {}

    def perceptual_loss(self, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Computes how unlike two images look to the frozen network "perceptual": LPIPS without learned weights, 0 to 4.

        Args:
            images, target: (N, 1 or 3, H, W) in [-1, 1]. No gradient goes into target.
        """
        network = self.frozen_networks["perceptual"]
        with torch.no_grad():
            of_target = self.compute(network, target)
        return perceptual_distance(self.compute(network, images), of_target).mean()

    def G_loss(self, D: nn.Module, fake: torch.Tensor) -> torch.Tensor:
        """Computes how far D is from taking generated images (N, C, H, W) for real, weighted."""
        o = self.options
        (fake,) = self.augmented(fake)
        loss = gan_loss(self.compute(D, fake), True, o.gan_mode, for_generator=True)
        return o.lambda_GAN * loss

    def feature_losses(
        self, D: nn.Module, fake: torch.Tensor, real: torch.Tensor, lambda_feat: float
    ) -> dict[str, torch.Tensor]:
        """Computes G's weighted losses by D where the truth is known: G_GAN, and G_Feat of D's features.

        Args:
            fake, real: (N, C, H, W), as D gets them.
        """
        o = self.options
        judge: Any = D  # one of models/networks/patchgan.py
        if not hasattr(judge, "features"):
            raise InputError(f"--lambda_feat needs a --netD that has features(): {o.netD} has none")
        fake, real = self.augmented(fake, real)
        of_fake = self.compute(judge.features, fake)
        logits = [one[-1] for one in of_fake]
        with torch.no_grad():
            of_real = self.compute(judge.features, real)
        joined = judge.join_logits(logits) if len(logits) > 1 else logits[0]
        gan = gan_loss(joined, True, o.gan_mode, for_generator=True)
        feat = feature_matching_loss([one[:-1] for one in of_fake], [one[:-1] for one in of_real])
        return {"G_GAN": o.lambda_GAN * gan, "G_Feat": lambda_feat * feat}

    def train_D(
        self,
        D: nn.Module,
        pool: str,
        fake: torch.Tensor,
        real: torch.Tensor,
        *,
        trains_G: bool,
        lambda_feat: float = 0.0,
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Takes a step of D; returns G's weighted losses by D after it, and those of D.

        Args:
            pool: name of the history that D's generated images go through.
            fake, real: (N, C, H, W), as D gets them; fake with gradients.
            trains_G: whether G's losses need gradients.
            lambda_feat: weight of feature matching, for which real must be the truth of fake; 0 is off.
        """
        losses = self.D_losses(D, real, self.pools[pool].query(fake))
        self.descend("D", {"total": losses.pop("total"), **self.penalty(D, real)})
        with torch.set_grad_enabled(trains_G), frozen(D):
            if lambda_feat:
                by_D = self.feature_losses(D, fake, real, lambda_feat)
            else:
                by_D = {"G_GAN": self.G_loss(D, fake)}
        return by_D, {f"D_{name}": loss for name, loss in losses.items()}

    def D_losses(
        self, D: nn.Module, real: torch.Tensor, fake: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Computes a discriminator's losses on (N, C, H, W): real, fake, and half their sum, total.

        With wgangp also the weighted gradient penalty, whose half is part of the total.
        """
        mode = self.options.gan_mode
        (real,), (fake,) = self.augmented(real), self.augmented(fake.detach())
        # (N, num_D, H', W') each: one verdict per patch, at each scale
        fake_logits, real_logits = self.run_together(D, fake, real)
        fake_loss, real_loss = gan_loss(fake_logits, False, mode), gan_loss(real_logits, True, mode)
        if self.execution.health:
            name = self._name_of(D)
            self.log_health(f"score_{name}_real", mean_verdict(real_logits, mode))
            self.log_health(f"score_{name}_fake", mean_verdict(fake_logits, mode))
        losses = {"real": real_loss, "fake": fake_loss}
        if mode == "wgangp":
            mix = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
            penalty = gradient_penalty(D, real, fake, mix)
            losses["gp"] = self.options.lambda_gp * penalty
        return {"total": 0.5 * torch.stack(list(losses.values())).sum(), **losses}

    def penalty(self, D: nn.Module, real: torch.Tensor) -> dict[str, torch.Tensor]:
        """Computes R1 of a discriminator in the steps that have it, weighted to be added to D_losses' total; else {}.

        In float32, whatever the precision. Halved, as all of the total is; it counts for the steps without it.
        """
        if not self.penalizes:
            return {}
        (real,) = self.augmented(real)
        with unfused(D):
            penalty = 0.5 * self.options.r1 * r1_penalty(D, real)
        name = f"r1_{self._name_of(D)}"
        if self.execution.health:
            self.log_health(name, penalty)
        return {name: 0.5 * self.options.r1_interval * penalty}

    def augmented(self, *batches: torch.Tensor) -> Sequence[torch.Tensor]:
        """Augments batches of one shape for D as --diffaugment says, all by the same draws."""
        if not self.options.diffaugment:
            return batches
        draws = draw_augmentation(self.options.diffaugment.split(","), batches[0])
        return [augment(batch, draws, self.condition_nc) for batch in batches]

    def _name_of(self, D: nn.Module) -> str:
        return next(name for name, network in self.networks().items() if network is D)


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Lets gradients pass through networks without computing those of their weights."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)
