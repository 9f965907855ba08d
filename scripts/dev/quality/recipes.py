"""Recipes of trainings: methods, the parts of them that an ablation takes away, and how much training each gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """A way to train, as flags beside those of its model in the budget; {size} in them is the images' size.

    original: whether a checkout of the original code trains and tests it.
    length: epochs in shares of the budget's.
    """

    name: str
    model: str
    flags: str = ""
    original: bool = False
    length: float = 1.0


L1 = Recipe("L1 regression", "pix2pix", "--lambda_GAN 0")
PIX2PIX = Recipe("pix2pix", "pix2pix")
CYCLEGAN = Recipe("CycleGAN", "cycle_gan")
CUT = Recipe("CUT", "cut")
FASTCUT = Recipe("FastCUT", "cut", "--CUT_mode FastCUT")
MODERN_PIX2PIX = Recipe("pix2pix, modern", "pix2pix", "--recipe modern")
MODERN_CYCLEGAN = Recipe("CycleGAN, modern", "cycle_gan", "--recipe modern")
METHODS = (L1, PIX2PIX, MODERN_PIX2PIX, CYCLEGAN, MODERN_CYCLEGAN, CUT, FASTCUT)

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

# Parts beyond the papers, one at a time; the last row has those of --recipe modern together.
MODERN_PIX2PIX_PARTS = (
    PIX2PIX,
    Recipe("pix2pix + resize convolutions", "pix2pix", "--upsample resize"),
    Recipe("pix2pix + averaged weights", "pix2pix", "--ema 5%"),
    Recipe("pix2pix + D at half the learning rate", "pix2pix", "--lr_D 0.0002"),
    Recipe("pix2pix + two D, feature matching", "pix2pix", "--num_D 2 --n_layers_D 2 --lambda_feat 10 --lambda_L1 10"),
    Recipe("pix2pix + augmented pairs", "pix2pix", "--augment rot90,flip,scale"),
    Recipe("pix2pix + R1 0.01", "pix2pix", "--r1 0.01"),
    Recipe("pix2pix + spectral norm in D", "pix2pix", "--spectral_norm --normD none"),
    Recipe("pix2pix + DiffAugment", "pix2pix", "--diffaugment translation,cutout"),
    Recipe("pix2pix + features of Lite0", "pix2pix", "--lambda_perceptual 10"),
    Recipe("pix2pix + projected D", "pix2pix", "--netD projected"),
    MODERN_PIX2PIX,
)  # fmt: skip
WITHOUT_IDENTITY = Recipe("CycleGAN without identity", "cycle_gan", "--lambda_identity 0")
MODERN_CYCLEGAN_PARTS = (
    CYCLEGAN,
    Recipe("CycleGAN + resize convolutions", "cycle_gan", "--upsample resize"),
    Recipe("CycleGAN + averaged weights", "cycle_gan", "--ema 5%"),
    WITHOUT_IDENTITY,
    Recipe("CycleGAN + D at half the learning rate", "cycle_gan", "--lr_D 0.00025"),
    Recipe("CycleGAN + smaller field of D", "cycle_gan", "--netD n_layers --n_layers_D 2"),
    Recipe("CycleGAN + R1 0.01", "cycle_gan", "--r1 0.01"),
    Recipe("CycleGAN + spectral norm in D", "cycle_gan", "--spectral_norm --normD none"),
    Recipe("CycleGAN + DiffAugment", "cycle_gan", "--diffaugment color,translation,cutout"),
    Recipe("CycleGAN + projected D", "cycle_gan", "--netD projected"),
    MODERN_CYCLEGAN,
)
# A step of CUT took 1.17 times one of CycleGAN on a CPU core, a step of FastCUT 0.85 times.
CUT_TIMES = (
    CYCLEGAN,
    CUT,
    replace(CUT, name="CUT, in CycleGAN's time", length=7 / 8),
    FASTCUT,
    replace(FASTCUT, name="FastCUT, in CycleGAN's time", length=9 / 8),
)


@dataclass(frozen=True)
class Task:
    """A data set of datasets/prepare.py, its size in pixels, and what is trained on it.

    directions: that are trained; one CycleGAN does both.
    """

    title: str
    data: str
    size: int
    recipes: Sequence[Recipe]
    directions: Sequence[str] = ("AtoB",)
    flags: str = ""

    def trained(self, recipe: Recipe) -> Sequence[str]:
        """The directions for which the recipe needs a training each."""
        return self.directions[:1] if recipe.model == "cycle_gan" else self.directions


def parts_of(budget: Budget) -> list[Task]:
    """Lists the trainings that tell what each part of the methods is worth, on the data sets of the budget.

    The papers' parts are tried on the first of them.
    """
    first, *_ = budget.tasks
    papers = {
        "parts of pix2pix": PIX2PIX_PARTS,
        "parts of CycleGAN": CYCLEGAN_PARTS,
        "CUT at equal time": CUT_TIMES,
    }
    modern = {
        "modern parts of pix2pix": MODERN_PIX2PIX_PARTS,
        "modern parts of CycleGAN": MODERN_CYCLEGAN_PARTS,
    }
    parts = [(first, name, recipes) for name, recipes in papers.items()] + [
        (task, name, recipes)
        for task in budget.tasks
        for name, recipes in modern.items()
        if recipes[-1] in task.recipes
    ]
    return [
        Task(
            f"{task.title}: {name}",
            task.data,
            task.size,
            # The flags of the budget leave the identity loss out, those of a task may add it.
            [r for r in recipes if r != WITHOUT_IDENTITY or "--lambda_identity" in task.flags],
            ways_of(task, recipes),
            task.flags,
        )
        for task, name, recipes in parts
    ]


def ways_of(task: Task, recipes: Sequence[Recipe]) -> Sequence[str]:
    """Returns both directions where one training does both, otherwise the first."""
    both = all(recipe.model == "cycle_gan" for recipe in recipes)
    return task.directions if both else task.directions[:1]


def beside_original(task: Task, netG: str) -> Task:
    """Returns the papers' methods on the same data, each by this code and by the original one.

    netG: flag of a generator that the original code has; "" where the budget's is one.
    """
    rows = [
        replace(recipe, name=recipe.name + name, flags=netG, original=original)
        for recipe in (PIX2PIX, CYCLEGAN)
        if recipe in task.recipes
        for name, original in (("", False), (", original code", True))
    ]
    return replace(task, title=f"{task.title}: beside the original code", recipes=rows)


@dataclass(frozen=True)
class Budget:
    """Length of the trainings. flags: by model, where {size} is that of the task. epochs: by model and data set."""

    about: str
    tasks: Sequence[Task]
    flags: Mapping[str, str]
    epochs: Mapping[tuple[str, str], int]

    def share(self, part: float) -> Budget:
        """Returns the same budget with that part of the epochs, two at least."""
        epochs = {which: max(2, round(part * count)) for which, count in self.epochs.items()}
        return replace(self, about=f"{self.about}; {part:g} of its epochs", epochs=epochs)

    def in_precision(self, precision: str) -> Budget:
        """Returns the same budget trained in that precision."""
        flags = {model: f"{words} --precision {precision}" for model, words in self.flags.items()}
        return replace(self, about=f"{self.about}; {precision}", flags=flags)


# A character read in a mirror is another one.
SONG, NO_MIRROR = "song2brush", "--no_flip"
# The networks of the demo. Without the identity loss, sea and land change places.
FADED = Task(
    "faded2fresh",
    "faded2fresh",
    64,
    (CYCLEGAN, MODERN_CYCLEGAN),
    ("AtoB", "BtoA"),
    "--netG unet_64 --no_dropout --ndf 24 --batch_size 2 --lr 0.0006 --lambda_identity 0.5",
)
QUICK = Budget(
    "64 pixels, narrow networks, about 5 minutes each on two CPU cores",
    (
        Task("relief2topo", "relief2topo", 64, METHODS, ("AtoB", "BtoA")),
        Task(SONG, SONG, 64, METHODS, flags=NO_MIRROR),
        FADED,
    ),
    {
        "pix2pix": "--netG unet_64 --ngf 32 --ndf 32 --no_dropout --batch_size 8 --lr 0.0004",
        "cycle_gan": "--netG resnet_6blocks --ngf 16 --ndf 16 --lambda_identity 0 --lr 0.0005",
        "cut": "--netG resnet_6blocks --ngf 16 --ndf 16 --netF_nc 64 --lr 0.0005",
    },
    {
        ("pix2pix", "relief2topo"): 16,
        ("pix2pix", SONG): 3,
        ("cycle_gan", "relief2topo"): 8,
        ("cycle_gan", SONG): 2,
        ("cycle_gan", "faded2fresh"): 24,
        ("cut", "relief2topo"): 8,
        ("cut", SONG): 2,
    },
)
SMALL = replace(
    QUICK,
    about="64 pixels, narrow networks, about 20 minutes each on two CPU cores",
    epochs={
        ("pix2pix", "relief2topo"): 80,
        ("pix2pix", SONG): 12,
        ("cycle_gan", "relief2topo"): 30,
        ("cycle_gan", SONG): 6,
        ("cycle_gan", "faded2fresh"): 100,
        ("cut", "relief2topo"): 30,
        ("cut", SONG): 6,
    },
)
FULL = Budget(
    "128 and 256 pixels, the papers' networks, about 10 minutes each on an H100",
    (
        Task("fluentflat2fluent3d", "fluentflat2fluent3d", 256, (L1, PIX2PIX)),
        Task(SONG, SONG, 128, (CYCLEGAN, CUT), flags=NO_MIRROR),
    ),
    {"pix2pix": "--netG unet_256 --batch_size 4", "cycle_gan": "--netG resnet_9blocks", "cut": ""},
    {
        ("pix2pix", "fluentflat2fluent3d"): 400,
        ("cycle_gan", "fluentflat2fluent3d"): 40,
        ("cut", "fluentflat2fluent3d"): 40,
        ("cycle_gan", SONG): 40,
        ("cut", SONG): 40,
    },
)
BUDGETS = {"quick": QUICK, "small": SMALL, "full": FULL}
