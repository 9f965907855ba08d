"""Training learns: small models, simple mappings, a stated score on images not seen before.

Scores with these seeds when written: pix2pix 19.9 dB, CycleGAN 18.8 and 17.7 dB; the input as it is has 10.7 and 7.8 dB.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from models import Adam, BaseModel, create_model
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions

FAST = Adam(lr=0.002)
SMALL = {"netG": "resnet_6blocks", "ngf": 8, "ndf": 8, "netD": "n_layers"}


@pytest.fixture(autouse=True)
def one_thread():
    """Two would wait for each other beside other tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def psnr(images: torch.Tensor, truth: torch.Tensor) -> float:
    """Mean peak signal to noise ratio in dB of images in [-1, 1]."""
    return float(10 * torch.log10(4 / (images - truth).square().mean(dim=(1, 2, 3))).mean())


def train(model: BaseModel, steps: int, batch) -> None:
    for _ in range(steps):
        A, B = batch()
        model.train_step({"A": A, "B": B, "A_paths": ["a"] * len(A), "B_paths": ["b"] * len(B)})


def translated(model: BaseModel, A: torch.Tensor, B: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        return model.eval().translate({"A": A, "B": B})


def blobs(n: int, rng: torch.Generator) -> torch.Tensor:
    """Smooth random colours (n, 3, 32, 32)."""
    return F.interpolate(torch.rand(n, 3, 6, 6, generator=rng) * 2 - 1, size=32, mode="bilinear")


def squares(n: int, rng: torch.Generator) -> torch.Tensor:
    """Masks (n, 1, 32, 32) of two squares each, 1 on 0."""
    masks = torch.zeros(n, 1, 32, 32)
    for mask in masks:
        for _ in range(2):
            side = int(torch.randint(6, 13, (), generator=rng))
            top, left = torch.randint(0, 32 - side, (2,), generator=rng).tolist()
            mask[:, top : top + side, left : left + side] = 1
    return masks


def grey(masks: torch.Tensor) -> torch.Tensor:
    return (1.4 * masks - 0.7).expand(-1, 3, -1, -1)


def orange_on_blue(masks: torch.Tensor) -> torch.Tensor:
    blue, orange = (torch.tensor(c).view(3, 1, 1) for c in ([-0.6, -0.2, 0.6], [0.8, 0.2, -0.7]))
    return blue + (orange - blue) * masks


def test_pix2pix_learns_to_invert_and_swap_colours() -> None:
    def recoloured(images: torch.Tensor) -> torch.Tensor:
        return -images.roll(1, dims=1)

    def pairs() -> tuple[torch.Tensor, torch.Tensor]:
        A = blobs(4, rng)
        return A, recoloured(A)

    rng = torch.Generator().manual_seed(0)
    options = Pix2PixOptions(**SMALL, n_layers_D=1, norm="instance", no_dropout=True)
    model = create_model(options, adam=FAST, seed=5)
    train(model, 100, pairs)
    A = blobs(16, torch.Generator().manual_seed(1))
    assert psnr(translated(model, A, A)["fake_B"], recoloured(A)) > 18


def test_cyclegan_learns_colours_from_images_that_do_not_belong_together() -> None:
    def strangers() -> tuple[torch.Tensor, torch.Tensor]:
        return grey(squares(2, rng)), orange_on_blue(squares(2, rng))

    rng = torch.Generator().manual_seed(0)
    options = CycleGANOptions(**SMALL, n_layers_D=2, lambda_identity=0.0)
    model = create_model(options, adam=FAST, seed=0)
    train(model, 100, strangers)
    masks = squares(16, torch.Generator().manual_seed(1))
    images = translated(model, grey(masks), orange_on_blue(masks))
    assert psnr(images["fake_B"], orange_on_blue(masks)) > 17
    assert psnr(images["fake_A"], grey(masks)) > 16
