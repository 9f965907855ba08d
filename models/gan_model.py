"""The base of models with discriminators: their losses, image pools and critic steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from models.base_model import Adam, BaseModel
from models.engine.image_pool import ImagePool
from models.losses import feature_matching_loss, gan_loss, gradient_penalty, mean_verdict
from models.networks import define_D, own_flags
from options.base_options import GANOptions
from util import distributed
from util.errors import InputError
from util.metrics.efficientnet_lite import perceptual_distance
from util.position_seed import position_seed


@dataclass
class StepCount:
    """Training steps taken, saved with the model."""

    steps: int = 0

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


class GANModel(BaseModel):
    """A model that trains generators against discriminators."""

    Options: ClassVar[type[GANOptions]] = GANOptions
    options: GANOptions

    def __init__(self, options: GANOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.count = StepCount()

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
            antialias=not o.no_antialias,
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
        *layers, logits = zip(*self.compute(judge.features, fake), strict=True)
        with torch.no_grad():
            of_real = self.compute(judge.features, real)
        joined = judge.join_logits(logits) if len(logits) > 1 else logits[0]
        gan = gan_loss(joined, True, o.gan_mode, for_generator=True)
        feat = feature_matching_loss(list(zip(*layers, strict=True)), [one[:-1] for one in of_real])
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
        self.descend("D", losses.pop("total"))
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
        # (N, num_D, H', W') each: one verdict per patch, at each scale
        fake_logits, real_logits = self.run_together(D, fake.detach(), real)
        fake_loss, real_loss = gan_loss(fake_logits, False, mode), gan_loss(real_logits, True, mode)
        if self.execution.health:
            name = next(name for name, network in self.networks().items() if network is D)
            self.log_health(f"score_{name}_real", mean_verdict(real_logits, mode))
            self.log_health(f"score_{name}_fake", mean_verdict(fake_logits, mode))
        losses = {"real": real_loss, "fake": fake_loss}
        if mode == "wgangp":
            mix = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
            penalty = gradient_penalty(D, real, fake, mix)
            losses["gp"] = self.options.lambda_gp * penalty
        return {"total": 0.5 * torch.stack(list(losses.values())).sum(), **losses}


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
