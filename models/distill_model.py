"""A smaller generator that learns from a trained one: its outputs, beside the losses it was trained with itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from models.base_model import Adam, Batch, Step
from models.gan_model import GANModel, frozen
from models.inference.find_generator import find_generator
from models.inference.translator import Translator, load_translator
from models.losses import reconstruction_loss
from options.model_options import DistillOptions
from util.errors import InputError

PAIRS = ("pix2pix", "colorization")  # models whose D judges input and output together
LOSSES = ("G_GAN", "G_teacher", "G_L1", "G_cycle", "G_Feat", "D_real", "D_fake", "D_gp")


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
        if options.lambda_feat and not self.of_pairs:
            raise InputError("--lambda_feat needs a teacher that was trained on pairs")
        # In a dict: what lies here is neither trained nor saved nor moved with the model.
        running = saved.settings.with_policy(options.teacher_norm).norm_policy == "running"
        load = partial(load_translator, device="cpu", running_statistics=running)
        self.teachers = {"forth": load(saved.path)}
        if not self.of_pairs and (back := saved.other_way()):
            self.teachers["back"] = load(back)
        self._check_channels(self.teachers["forth"])
        self.optimizers = {"G": adam(self.G)}
        if self.has_D:
            self.D = self.build_D(options.output_nc + (options.input_nc if self.of_pairs else 0))
            self.optimizers["D"] = adam(self.D)
            self.pools = {"fake": self.build_pool("fake")}

    def _check_channels(self, teacher: Translator) -> None:
        o = self.options
        if (teacher.input_nc, teacher.output_nc) != (o.input_nc, o.output_nc):
            raise InputError(
                f"--teacher {o.teacher} makes {teacher.output_nc} channels of {teacher.input_nc}: give --input_nc "
                f"{teacher.input_nc} --output_nc {teacher.output_nc}"
            )

    def train_step(self, batch: Batch) -> Step:
        o, trains_G = self.options, self.next_step_trains_G()
        real_A, real_B = self.pair(batch) if self.of_pairs else self._unpaired(batch)
        taught = self._taught("forth", real_A)
        losses = {}
        with torch.set_grad_enabled(trains_G):
            fake_B = self.run(self.G, real_A)
            losses["G_teacher"] = o.lambda_teacher * reconstruction_loss(fake_B, taught, "l1")
            if self.of_pairs:
                loss = reconstruction_loss(fake_B, real_B, o.loss_reconstruction)
                losses["G_L1"] = o.lambda_L1 * loss
            elif "back" in self.teachers and o.lambda_cycle:
                loss = reconstruction_loss(self._taught("back", fake_B), real_A, "l1")
                losses["G_cycle"] = o.lambda_cycle * loss
        if self.has_D:
            losses |= self._train_D(trains_G, real_A, fake_B, real_B)
        if trains_G:
            G_losses = [loss for name, loss in losses.items() if name.startswith("G_")]
            self.descend("G", torch.stack(G_losses).sum())
        visuals = {"real_A": real_A, "fake_B": fake_B, "teacher_B": taught, "real_B": real_B}
        return Step.of({**visuals, **{f"loss_{k}": v for k, v in losses.items()}}, LOSSES)

    def _train_D(
        self, trains_G: bool, real_A: torch.Tensor, fake_B: torch.Tensor, real_B: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """A step of D; returns its losses, and what G's is against it afterwards."""
        fake, real = fake_B, real_B
        if self.of_pairs:
            with torch.set_grad_enabled(trains_G):
                fake = torch.cat([real_A, fake_B], dim=1)  # (N, input_nc + output_nc, H, W)
            real = torch.cat([real_A, real_B], dim=1)
        losses = self.D_losses(self.D, real, self.pools["fake"].query(fake))
        self.descend("D", losses.pop("total"))
        with torch.set_grad_enabled(trains_G), frozen(self.D):
            by_D = self.paired_G_losses(self.D, fake, real)
        found = {f"G_{name}": loss for name, loss in by_D.items()}
        return {**found, **{f"D_{name}": loss for name, loss in losses.items()}}

    def _unpaired(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        return self.image(batch, "A"), self.image(batch, "B")

    def _taught(self, way: str, images: torch.Tensor) -> torch.Tensor:
        """What a teacher makes of images; gradients pass through it where the images need them."""
        teacher = self.teachers[way].generator.to(images.device)
        with torch.set_grad_enabled(images.requires_grad and torch.is_grad_enabled()):
            return self.compute(teacher, images)

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        images = {"real_A": self.image(batch, "A")}
        images["fake_B"] = self.translated(self.G, images["real_A"])
        return images | ({"real_B": self.image(batch, "B")} if "B" in batch else {})
