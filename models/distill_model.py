"""A smaller generator that learns from a trained one: its outputs, beside the losses it was trained with itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from models.base_model import Adam, Batch, Step
from models.gan_model import GANModel
from models.inference.find_generator import find_generator
from models.inference.translator import Translator, load_translator
from models.losses import reconstruction_loss
from models.networks.perceptual import load_perceptual_network
from models.pix2pix_model import has_class, truth_losses
from options.model_options import DistillOptions
from options.wording import count
from util.errors import InputError

PAIRS = ("pix2pix", "colorization")  # models whose D judges input and output together


class DistillModel(GANModel):
    """G: A -> B, as the teacher does it, which is not trained and is not saved.

    A teacher of pairs adds pix2pix's losses; one of a CycleGAN a D that judges B alone, and the cycle through the
    teacher's other generator, where that lies beside.
    """

    Options = DistillOptions
    options: DistillOptions
    plateau_losses = ("G_teacher",)

    def __init__(self, options: DistillOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)
        if not adam:
            return
        if not options.teacher:
            raise InputError("--model distill needs --teacher; scripts/distill.py gives it")
        saved = find_generator(Path(options.teacher))
        self.of_pairs = saved.flags.get("model") in PAIRS
        for name in ("lambda_feat", "lambda_perceptual"):
            if getattr(options, name) and not self.of_pairs:
                raise InputError(f"--{name} needs a teacher that was trained on pairs")
        running = saved.settings.with_policy(options.teacher_norm).norm_policy == "running"
        load = partial(load_translator, device="cpu", running_statistics=running)
        teacher = load(saved.path)
        self._check_channels(teacher)
        self.frozen_networks["forth"] = teacher.generator
        if not self.of_pairs and (back := saved.other_way()):
            self.frozen_networks["back"] = load(back).generator
        if options.lambda_perceptual:
            self.frozen_networks["perceptual"] = load_perceptual_network(options.vgg_weights)
        self.optimizers = {"G": adam(self.G)}
        if self.has_D:
            self.condition_nc = options.input_nc if self.of_pairs else 0
            self.D = self.build_D(options.output_nc + self.condition_nc)
            self.optimizers["D"] = adam(self.D)
            self.pools = {"fake": self.build_pool("fake")}

    def _check_channels(self, teacher: Translator) -> None:
        o = self.options
        if (teacher.input_nc, teacher.output_nc) != (o.input_nc, o.output_nc):
            raise InputError(
                f"--teacher {o.teacher} makes {count(teacher.output_nc, 'channel')} of {teacher.input_nc}: give --input_nc "
                f"{teacher.input_nc} --output_nc {teacher.output_nc}"
            )

    def train_step(self, batch: Batch) -> Step:
        o, trains_G = self.options, self.next_step_trains_G()
        real_A, real_B = self.pair(batch) if self.of_pairs else self._unpaired(batch)

        # G's losses that need no discriminator.
        teacher_B = self._teach("forth", real_A)  # (N, output_nc, H, W) in [-1, 1]
        with torch.set_grad_enabled(trains_G):
            fake_B = self.run(self.G, real_A)
            losses = {"G_teacher": o.lambda_teacher * reconstruction_loss(fake_B, teacher_B, "l1")}
            valid = has_class(real_B) if self.of_pairs and o.label_B else None
            if valid is not None:  # D sees the same in both where the truth is unknown
                fake_B = torch.where(valid, fake_B, real_B)
            images = {"real_A": real_A, "fake_B": fake_B, "teacher_B": teacher_B, "real_B": real_B}
            if self.of_pairs:
                losses |= truth_losses(o, fake_B, real_B, valid)
                if o.lambda_perceptual:
                    loss = self.perceptual_loss(fake_B, real_B)
                    losses["G_perceptual"] = o.lambda_perceptual * loss
            elif "back" in self.frozen_networks and o.lambda_cycle:
                loss = reconstruction_loss(self._teach("back", fake_B), real_A, "l1")
                losses["G_cycle"] = o.lambda_cycle * loss
            losses |= self.extra_losses(images)

        # A step of D, which judges pairs as pix2pix's does, or B alone as CycleGAN's; then one of G.
        D_losses: dict[str, torch.Tensor] = {}
        if self.has_D:
            fake, real = fake_B, real_B
            if self.of_pairs:
                fake, real = (torch.cat([real_A, B], dim=1) for B in (fake_B, real_B))
            by_D, D_losses = self.train_D(
                self.D, "fake", fake, real, trains_G=trains_G, lambda_feat=o.lambda_feat
            )
            losses = {"G_GAN": by_D.pop("G_GAN"), **losses, **by_D}
        if trains_G:
            self.descend("G", losses)
        return Step({**losses, **D_losses}, images)

    def _unpaired(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        return self.image(batch, "A"), self.image(batch, "B")

    def _teach(self, way: str, images: torch.Tensor) -> torch.Tensor:
        """Translates by a teacher; gradients pass through it where the images need them."""
        with torch.set_grad_enabled(images.requires_grad and torch.is_grad_enabled()):
            return self.compute(self.frozen_networks[way], images)

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        images = {"real_A": self.image(batch, "A")}
        images["fake_B"] = self.translated(self.G, images["real_A"])
        return images | ({"real_B": self.image(batch, "B")} if "B" in batch else {})
