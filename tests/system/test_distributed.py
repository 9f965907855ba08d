"""Several processes learn what one learns that sees all their images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from helpers.group import call_in_group

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.losses import gradient_penalty
from models.pix2pix_model import Pix2PixOptions
from options.model_options import CUTOptions
from util import distributed
from util.distributed.launch import process_group

TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks", "pool_size": 0, "no_dropout": True}
GROUPS = {"pix2pix": Pix2PixOptions, "cycle_gan": CycleGANOptions, "cut": CUTOptions}
# All patches, since each process draws its own.
CUT = {"num_patches": 0, "netF_nc": 4}
# R1 is differentiated twice; the vectors of spectral norm follow the weights in each process.
PENALIZED = {
    "norm": "instance",
    "normD": "none",
    "spectral_norm": True,
    "r1": 1.0,
    "r1_interval": 2,
}
PROJECTED = {"netD": "projected", "gan_mode": "hinge", "norm": "instance"}
CASES = [(name, norm) for name in GROUPS for norm in ("instance", "syncbatch", "penalized")]
CASES += [("pix2pix", "projected")]
IMAGES = 4  # in a step, of all processes


def make(name: str, norm: str):
    parts = {"penalized": PENALIZED, "projected": PROJECTED}
    norms = parts.get(norm, {"norm": norm, "normD": norm})
    flags = {**TINY, **norms, **(CUT if name == "cut" else {})}
    return create_model(GROUPS[name](**flags), adam=Adam(lr=0.001), seed=1).double()


def learn(model, rank: int = 0, size: int = 1) -> dict[str, torch.Tensor]:
    """Three steps on a process's share of the images; the losses of the last."""
    generator, losses = torch.Generator().manual_seed(0), {}
    for _ in range(3):
        A, B = torch.rand(2, IMAGES, 3, 32, 32, dtype=torch.float64, generator=generator)
        losses = model.train_step({"A": A[rank::size], "B": B[rank::size]}).losses
    return losses


def critic_gradients(rank: int = 0, size: int = 1) -> dict[str, torch.Tensor]:
    """Of wgangp's penalty, which is differentiated twice, by a D whose norm mixes images."""
    model = make("pix2pix", "syncbatch")
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, IMAGES, 6, 32, 32, dtype=torch.float64, generator=generator)
    mix = torch.full((IMAGES, 1, 1, 1), 0.5, dtype=torch.float64)
    own = slice(rank, None, size)
    gradient_penalty(model.D, real[own], fake[own], mix[own]).backward()
    return {f"{name}_{i}": g / size for i, (name, g) in enumerate(_gradients(model.D))}


def _gradients(network) -> list[tuple[str, torch.Tensor]]:
    return [(name, p.grad) for name, p in network.named_parameters() if p.grad is not None]


def learn_together(folder: Path) -> None:
    with process_group():
        rank, size, saved = distributed.rank(), distributed.world_size(), {}
        for case in CASES:
            model = make(*case)
            losses = distributed.mean(learn(model, rank, size))
            saved[case] = {"losses": losses, "weights": model.state_dict()}
        gradients = critic_gradients(rank, size)
        for gradient in gradients.values():
            dist.all_reduce(gradient)
        torch.save({**saved, "critic": gradients}, folder / f"{rank}.pt")


@pytest.fixture(scope="module", params=[2, 4], ids="{} processes".format)
def learnt(request, tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    call_in_group(request.param, learn_together, folder)
    return [torch.load(file, weights_only=True) for file in sorted(folder.iterdir())]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_processes_learn_what_one_learns_from_the_whole_batch(case, learnt) -> None:
    model = make(*case)
    losses = learn(model)
    for process in learnt:
        for key, value in losses.items():
            assert process[case]["losses"][key] == pytest.approx(value.item(), rel=1e-9), key
        for key, value in model.state_dict().items():
            # Biases in front of instance norm have no gradient but rounding, which Adam scales up.
            atol = 1e-6 if key.endswith("bias") and case[1] != "syncbatch" else 1e-9
            torch.testing.assert_close(process[case]["weights"][key], value, rtol=1e-9, atol=atol)


def test_the_gradient_penalty_through_shared_statistics_is_that_of_the_whole_batch(learnt) -> None:
    expected = critic_gradients()
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 1e-3
    for process in learnt:
        for key, gradient in expected.items():
            torch.testing.assert_close(process["critic"][key], gradient, rtol=1e-9, atol=1e-12)
