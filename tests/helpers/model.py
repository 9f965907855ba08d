"""Small models, and batches for them."""

from __future__ import annotations

import copy

import torch

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions

TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks"}


def batch(A: int = 3, B: int = 3, n: int = 1, height: int = 32, width: int = 32) -> dict:
    torch.manual_seed(0)
    images = {
        "A": torch.rand(n, A, height, width) * 2 - 1,
        "B": torch.rand(n, B, height, width) * 2 - 1,
    }
    return {**images, "A_paths": ["a"] * n, "B_paths": ["b"] * n}


def pix2pix(**flags):
    return create_model(Pix2PixOptions(**{**TINY, **flags}), adam=Adam())


def cycle_gan(**flags):
    return create_model(CycleGANOptions(**{**TINY, **flags}), adam=Adam())


def changed(model, action) -> set[str]:
    """Names of the networks whose weights an action changes."""
    before = {name: copy.deepcopy(net.state_dict()) for name, net in model.networks().items()}
    action()
    return {
        name
        for name, net in model.networks().items()
        if any(not torch.equal(v, before[name][k]) for k, v in net.state_dict().items())
    }
