"""Training steps as the original code takes them: what benchmarks compare with.

The same networks and formulas, but eager and in float32 (with PyTorch's defaults, which on NVIDIA GPUs are TF32 in
convolutions), one forward for every set of images, and Adam as it comes: parameter by parameter on a CPU.
"""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.nn import functional as F

from models.base_model import BaseModel, Batch
from models.engine.image_pool import ImagePool
from models.losses import gan_loss
from models.networks.channels_last import InstanceNorm2d, ReflectionPad2d
from models.networks.cpu_convolutions import Conv2d, ConvTranspose2d
from models.networks.norms import BatchNorm2d
from models.networks.patch_sampler import encode

OURS = (Conv2d, ConvTranspose2d, InstanceNorm2d, BatchNorm2d, ReflectionPad2d)


def plain_adam(*networks: nn.Module) -> torch.optim.Adam:
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, lr=0.0002, betas=(0.5, 0.999))


def plain_networks(model: BaseModel) -> dict[str, nn.Module]:
    """The model's networks with PyTorch's own layers, which differ from ours in `forward` alone."""
    for module in model.modules():
        if type(module) in OURS:
            module.__class__ = getattr(nn, type(module).__name__)
    return model.networks()


def freeze(frozen: bool, *networks: nn.Module) -> None:
    for network in networks:
        for parameter in network.parameters():
            parameter.requires_grad = not frozen


class PlainPix2Pix:
    """One step at a time on the networks of a Pix2PixModel."""

    def __init__(self, model: BaseModel) -> None:
        networks = plain_networks(model)
        self.G, self.D = networks["G"], networks["D"]
        self.mode = model.options.gan_mode
        self.optimizer_G, self.optimizer_D = plain_adam(self.G), plain_adam(self.D)

    def step(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = batch["A"], batch["B"]
        fake_B = self.G(real_A)

        freeze(False, self.D)
        self.optimizer_D.zero_grad()
        D_fake = gan_loss(self.D(torch.cat([real_A, fake_B], 1).detach()), False, self.mode)
        D_real = gan_loss(self.D(torch.cat([real_A, real_B], 1)), True, self.mode)
        (0.5 * (D_fake + D_real)).backward()
        self.optimizer_D.step()

        freeze(True, self.D)
        self.optimizer_G.zero_grad()
        G_GAN = gan_loss(self.D(torch.cat([real_A, fake_B], 1)), True, self.mode)
        G_L1 = 100 * F.l1_loss(fake_B, real_B)
        (G_GAN + G_L1).backward()
        self.optimizer_G.step()
        return {"G_GAN": G_GAN.detach(), "G_L1": G_L1.detach(), "D": (D_real + D_fake).detach()}


class PlainCycleGAN:
    """One step at a time on the networks of a CycleGANModel."""

    def __init__(self, model: BaseModel) -> None:
        networks = plain_networks(model)
        self.G_A, self.G_B = networks["G_A"], networks["G_B"]
        self.D_A, self.D_B = networks["D_A"], networks["D_B"]
        self.mode = model.options.gan_mode
        self.pools = [ImagePool(50, random.Random(i)) for i in range(2)]
        self.optimizer_G = plain_adam(self.G_A, self.G_B)
        self.optimizer_D = plain_adam(self.D_A, self.D_B)

    def step(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A, real_B = batch["A"], batch["B"]
        fake_B, fake_A = self.G_A(real_A), self.G_B(real_B)
        rec_A, rec_B = self.G_B(fake_B), self.G_A(fake_A)

        freeze(True, self.D_A, self.D_B)
        self.optimizer_G.zero_grad()
        losses = {
            "idt_A": 5 * F.l1_loss(self.G_A(real_B), real_B),
            "idt_B": 5 * F.l1_loss(self.G_B(real_A), real_A),
            "G_A": gan_loss(self.D_A(fake_B), True, self.mode),
            "G_B": gan_loss(self.D_B(fake_A), True, self.mode),
            "cycle_A": 10 * F.l1_loss(rec_A, real_A),
            "cycle_B": 10 * F.l1_loss(rec_B, real_B),
        }
        sum(losses.values()).backward()
        self.optimizer_G.step()

        freeze(False, self.D_A, self.D_B)
        self.optimizer_D.zero_grad()
        for name, D, real, fake, pool in (
            ("D_A", self.D_A, real_B, fake_B, self.pools[0]),
            ("D_B", self.D_B, real_A, fake_A, self.pools[1]),
        ):
            D_real = gan_loss(D(real), True, self.mode)
            D_fake = gan_loss(D(pool.query(fake).detach()), False, self.mode)
            losses[name] = 0.5 * (D_real + D_fake)
            losses[name].backward()
        self.optimizer_D.step()
        return {name: loss.detach() for name, loss in losses.items()}


class PlainCUT:
    """One step at a time on the networks of a CUTModel; features of inputs are computed again, at positions drawn on the CPU."""

    def __init__(self, model: BaseModel) -> None:
        networks = plain_networks(model)
        self.G, self.F, self.D = networks["G"], networks["F"], networks["D"]
        self.options, self.layers = model.options, model.layers
        self.optimizers = {name: plain_adam(net) for name, net in networks.items()}

    def step(self, batch: Batch) -> dict[str, torch.Tensor]:
        o, real_A, real_B = self.options, batch["A"], batch["B"]
        fake_B, idt_B = self.G(torch.cat([real_A, real_B])).chunk(2)

        freeze(False, self.D)
        self.optimizers["D"].zero_grad()
        losses = {
            "D_fake": gan_loss(self.D(fake_B.detach()), False, o.gan_mode),
            "D_real": gan_loss(self.D(real_B), True, o.gan_mode),
        }
        (0.5 * (losses["D_fake"] + losses["D_real"])).backward()
        self.optimizers["D"].step()

        freeze(True, self.D)
        self.optimizers["G"].zero_grad()
        self.optimizers["F"].zero_grad()
        losses["G_GAN"] = o.lambda_GAN * gan_loss(self.D(fake_B), True, o.gan_mode)
        losses["NCE"] = o.lambda_NCE * self.nce(real_A, fake_B)
        losses["NCE_Y"] = o.lambda_NCE * self.nce(real_B, idt_B)
        (losses["G_GAN"] + (losses["NCE"] + losses["NCE_Y"]) / 2).backward()
        self.optimizers["G"].step()
        self.optimizers["F"].step()
        return {name: loss.detach() for name, loss in losses.items()}

    def nce(self, source: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """Mean loss of the layers' patches (N, S, C), for batches (N, C, H, W)."""
        queries, _ = encode(self.G.encoder(), output, self.layers)
        keys, _ = encode(self.G.encoder(), source, self.layers)
        pixels = [one.shape[-2] * one.shape[-1] for one in keys]
        drawn = [torch.randperm(n)[: self.options.num_patches or n] for n in pixels]
        ids = [one.to(source.device) for one in drawn]
        k_rows, q_rows = (
            self.F(
                [
                    one.flatten(2).permute(0, 2, 1)[:, where]
                    for one, where in zip(maps, ids, strict=True)
                ]
            )
            for maps in (keys, queries)
        )
        losses = []
        for q, k in zip(q_rows, k_rows, strict=True):
            k = k.detach()
            positive = (q * k).sum(2).flatten()[:, None]
            negative = torch.bmm(q, k.transpose(1, 2))
            own = torch.eye(q.shape[1], dtype=torch.bool, device=q.device)
            negative = negative.masked_fill(own, -10.0).flatten(0, 1)
            logits = torch.cat([positive, negative], dim=1) / self.options.nce_T
            first = torch.zeros(len(logits), dtype=torch.long, device=q.device)
            losses.append(F.cross_entropy(logits, first))
        return sum(losses) / len(losses)


PLAIN = {"pix2pix": PlainPix2Pix, "cycle_gan": PlainCycleGAN, "cut": PlainCUT}
