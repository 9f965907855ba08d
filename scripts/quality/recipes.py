"""What is trained: methods, the parts of them that an ablation takes away, and how much training each gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """A way to train, as flags beside those of its model in the budget; {size} in them is the images' size."""

    name: str
    model: str
    flags: str = ""


L1 = Recipe("L1 regression", "pix2pix", "--lambda_GAN 0")
PIX2PIX = Recipe("pix2pix", "pix2pix")
CYCLEGAN = Recipe("CycleGAN", "cycle_gan")
METHODS = (L1, PIX2PIX, CYCLEGAN)

# Tables 1, 2 and 3 of Isola et al. 2017: losses, skips, patches. The default's patches are of 70 pixels, which at 64
# pixels is the whole image.
PIX2PIX_PARTS = (
    L1,
    Recipe("cGAN alone", "pix2pix", "--lambda_L1 0"),
    PIX2PIX,
    Recipe("L1, encoder-decoder", "pix2pix", "--lambda_GAN 0 --netG encoder_decoder_{size}"),
    Recipe("L1 + cGAN, encoder-decoder", "pix2pix", "--netG encoder_decoder_{size}"),
    Recipe("patches of 1 pixel", "pix2pix", "--netD pixel"),
    Recipe("patches of 16 pixels", "pix2pix", "--netD n_layers --n_layers_D 1"),
    Recipe("patches of 142 pixels", "pix2pix", "--netD n_layers --n_layers_D 4"),
)
# Tables 4 and 5 of Zhu et al. 2017: cycles; the identity loss of section 5.2.
CYCLEGAN_PARTS = (
    CYCLEGAN,
    Recipe("GAN alone", "cycle_gan", "--lambda_A 0 --lambda_B 0"),
    Recipe("cycles alone", "cycle_gan", "--lambda_GAN 0"),
    Recipe("GAN + cycle A-B-A", "cycle_gan", "--lambda_B 0"),
    Recipe("GAN + cycle B-A-B", "cycle_gan", "--lambda_A 0"),
    Recipe("CycleGAN + identity", "cycle_gan", "--lambda_identity 0.5"),
)


@dataclass(frozen=True)
class Task:
    """A data set of datasets/prepare.py and what is trained on it.

    directions: in which pix2pix is trained; one CycleGAN does both.
    """

    title: str
    data: str
    recipes: Sequence[Recipe]
    directions: Sequence[str] = ("AtoB",)
    flags: str = ""


def tasks(first: str, second: str, ablation: bool) -> list[Task]:
    """Of two data sets, each with known truth; the ablation is of the first one."""
    if ablation:
        return [
            Task(f"{first}: parts of pix2pix", first, PIX2PIX_PARTS),
            Task(f"{first}: parts of CycleGAN", first, CYCLEGAN_PARTS),
        ]
    return [
        Task(first, first, METHODS, ("AtoB", "BtoA")),
        # A character read in a mirror is another one.
        Task(second, second, METHODS, flags="--no_flip"),
    ]


@dataclass(frozen=True)
class Budget:
    """How much training.

    size: of the images, in pixels. sets: the data sets. epochs: by model and data set; where there are none, as many
    as fit into `minutes` on the machine at hand.
    flags: by model.
    """

    about: str
    size: int
    sets: tuple[str, str]
    flags: Mapping[str, str]
    epochs: Mapping[tuple[str, str], int]
    minutes: float = 0.0


NARROW = {
    "pix2pix": "--netG unet_64 --ngf 32 --ndf 32 --no_dropout --batch_size 8 --lr 0.0004",
    "cycle_gan": "--netG resnet_6blocks --ngf 16 --ndf 16 --lambda_identity 0 --lr 0.0005",
}
QUICK = Budget(
    "64 pixels, narrow networks, about 5 minutes each on two CPU cores",
    64,
    ("relief2topo", "song2brush"),
    NARROW,
    {
        ("pix2pix", "relief2topo"): 16,
        ("pix2pix", "song2brush"): 3,
        ("cycle_gan", "relief2topo"): 8,
        ("cycle_gan", "song2brush"): 2,
    },
)
SMALL = replace(
    QUICK,
    about="64 pixels, narrow networks, about 20 minutes each on two CPU cores",
    epochs={
        ("pix2pix", "relief2topo"): 80,
        ("pix2pix", "song2brush"): 12,
        ("cycle_gan", "relief2topo"): 30,
        ("cycle_gan", "song2brush"): 6,
    },
)
FULL = Budget(
    "256 pixels, the papers' networks, 10 minutes each on a GPU",
    256,
    ("fluentflat2fluent3d", "song2brush"),
    {"pix2pix": "--netG unet_256 --batch_size 4", "cycle_gan": "--netG resnet_9blocks"},
    {},
    minutes=10.0,
)
BUDGETS = {"quick": QUICK, "small": SMALL, "full": FULL}
