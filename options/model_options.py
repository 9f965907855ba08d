"""The flags of the models that ship, without the models: `--help` and mistakes need no PyTorch.

A model of the user's keeps its flags in its own file; see models/template_model.py.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from options.base_options import GANOptions, ModelOptions, at_least, needs
from options.flags import flag, override
from options.registry import find_class, has_file
from options.types import path


def check_antialias(netG: str, no_antialias_up: bool) -> None:
    """Raises: ValueError where --antialias_up would do nothing."""
    if not no_antialias_up and netG.startswith(("unet", "encoder_decoder")):
        raise ValueError(f"--antialias_up is for ResNets: for --netG {netG} use --upsample blur")


@dataclass(frozen=True)
class PerceptualOptions(GANOptions):
    """Flags of models that compare images by the features of a trained network."""

    lambda_perceptual: float = flag(
        0.0,
        "weight of the difference between features of a network that was trained on photographs, EfficientNet-Lite0; "
        "0 = off",
        only="train",
    )
    vgg_weights: str = flag(
        "",
        "with --lambda_perceptual: torchvision's weights of VGG-16 or VGG-19, to use that network",
        parse=path,
        metavar="FILE",
        only="train",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, lambda_perceptual=self.lambda_perceptual)
        if self.lambda_perceptual:
            self.check_pictures("--lambda_perceptual", "B")
        needs(self, "vgg_weights", self.lambda_perceptual, "a --lambda_perceptual above 0")


@dataclass(frozen=True)
class Pix2PixOptions(PerceptualOptions):
    """The paper's choices: U-Net, batch norm, vanilla GAN loss, L1."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "aligned"}

    norm: str = override("batch")
    netG: str = override("unet_256")
    gan_mode: str = override("vanilla")
    pool_size: int = override(0)
    lambda_L1: float = flag(100.0, "weight of the reconstruction loss", only="train")
    lambda_CE: float = flag(
        10.0,
        "with --label_B: weight of the cross entropy of classes; --lambda_L1 0 leaves L1 out",
        only="train",
    )
    loss_reconstruction: str = flag("l1", "reconstruction loss", choices=("l1", "l2"), only="train")
    lambda_feat: float = flag(
        0.0,
        "weight of feature matching, which compares fake_B and real_B by D's features; 0 = off",
        only="train",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_antialias(self.netG, self.no_antialias_up)
        at_least(0, lambda_CE=self.lambda_CE)
        needs(self, "lambda_CE", self.label_B, "--label_B")
        at_least(0, lambda_L1=self.lambda_L1, lambda_feat=self.lambda_feat)
        if self.lambda_feat and not self.lambda_GAN:
            raise ValueError("--lambda_feat needs discriminators: a --lambda_GAN above 0")


@dataclass(frozen=True)
class CycleGANOptions(PerceptualOptions):
    """The paper's choices: ResNet, instance norm, least-squares GAN loss, a pool of 50, no dropout."""

    no_dropout: bool = override(True)
    lambda_A: float = flag(10.0, "weight of the cycle A -> B -> A", only="train")
    lambda_B: float = flag(10.0, "weight of the cycle B -> A -> B", only="train")
    lambda_identity: float = flag(
        0.5, "weight of the identity loss relative to the cycles; 0 = off, and faster", only="train"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_antialias(self.netG, self.no_antialias_up)
        at_least(0, lambda_A=self.lambda_A, lambda_B=self.lambda_B)
        at_least(0, lambda_identity=self.lambda_identity)
        if self.label_A:  # which D_B judges
            self.refuse_color("--label_A")
        if self.lambda_perceptual:
            self.check_pictures("--lambda_perceptual", "A")
        if self.projects:
            self.check_pictures("--netD projected", "A")


def cut_mode(text: str) -> str:
    """Reads --CUT_mode, in any case."""
    return {"cut": "CUT", "fastcut": "FastCUT"}.get(text.lower(), text)


@dataclass(frozen=True)
class CUTOptions(GANOptions):
    """The paper's choices: one anti-aliased ResNet, patches of five layers, and B translated to itself."""

    flag_defaults: ClassVar[dict[str, Any]] = {"n_epochs": 200, "n_epochs_decay": 200}

    no_dropout: bool = override(True)
    no_antialias: bool = override(False)
    no_antialias_up: bool = override(False)
    init_type: str = override("xavier")
    normD: str = override("instance", only="")
    pool_size: int = override(0)
    CUT_mode: str = flag(
        "CUT",
        "CUT, or FastCUT, which is lighter: other defaults for what follows and the epochs",
        choices=("CUT", "FastCUT"),
        parse=cut_mode,
    )
    lambda_NCE: float = flag(1.0, "weight of the patches' loss (PatchNCE); 0 = off")
    nce_idt: bool = flag(
        True, "compare images of B and their translations, too (--no_nce_idt: not)", only="train"
    )
    nce_layers: str = flag(
        "auto",
        "layers of G whose patches are compared; auto = 0,4,8,12,16, and in other networks those that correspond",
    )
    nce_includes_all_negatives_from_minibatch: bool = flag(
        False, "compare each patch with those of all images of the batch", only="train"
    )
    netF: str = flag(
        "mlp_sample",
        "what patches go through before they are compared: mlp_sample (two layers), sample (nothing), or reshape "
        "(nothing; patches are means of 4 x 4 fields)",
        choices=("sample", "reshape", "mlp_sample"),
    )
    netF_nc: int = flag(256, "width of --netF mlp_sample")
    nce_T: float = flag(0.07, "temperature of the patches' loss")
    num_patches: int = flag(256, "patches of each layer; 0 = all, for small images")
    flip_equivariance: bool = flag(
        False,
        "mirror the input half of the time, and compare with the features of the input as it was",
    )

    @classmethod
    def variant(cls, values: Namespace) -> type[ModelOptions]:
        fast = cls is CUTOptions and "CUT_mode" in values and values.CUT_mode == "FastCUT"
        return FastCUTOptions if fast else cls

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, lambda_NCE=self.lambda_NCE, num_patches=self.num_patches)
        at_least(1, 4096, netF_nc=self.netF_nc)
        at_least(1e-4, nce_T=self.nce_T)
        if not (self.lambda_GAN or self.lambda_NCE):
            raise ValueError("--lambda_GAN and --lambda_NCE are both 0: nothing would be trained")
        if self.label_B and self.label_A != self.label_B and self.lambda_NCE:
            raise ValueError(
                f"--model cut cannot learn --label_B {self.label_B}: it compares outputs with inputs, which are no such label "
                "maps; use --model pix2pix or cycle_gan"
            )


@dataclass(frozen=True)
class FastCUTOptions(CUTOptions):
    """Those of CUT without the identity, a heavier loss of patches, mirrored inputs, and half of the epochs."""

    flag_defaults: ClassVar[dict[str, Any]] = {"n_epochs": 150, "n_epochs_decay": 50}

    CUT_mode: str = override("FastCUT")
    lambda_NCE: float = override(10.0)
    nce_idt: bool = override(False)
    flip_equivariance: bool = override(True)


@dataclass(frozen=True)
class ColorizationOptions(Pix2PixOptions):
    """pix2pix on the colorization data set."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "colorization"}

    input_nc: int = override(1)
    output_nc: int = override(2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.input_nc, self.output_nc) != (1, 2):
            raise ValueError(
                "--model colorization goes from L to ab: --input_nc 1 and --output_nc 2, not "
                f"{self.input_nc} and {self.output_nc}"
            )
        if self.label_A or self.label_B:
            raise ValueError(
                "--model colorization goes from L to ab, which are no label maps: leave out --label_A and --label_B"
            )
        if "color" in self.diffaugment:
            raise ValueError(
                "--diffaugment color changes colours, which are what --model colorization learns: leave color out"
            )


@dataclass(frozen=True)
class DistillOptions(Pix2PixOptions):
    """Those of pix2pix, and the teacher. scripts/distill.py takes the rest from the teacher's own options."""

    teacher: str = flag(
        "",
        "a trained generator's weights: checkpoints/NAME, or a file",
        parse=path,
        metavar="PATH",
        only="train",
    )
    teacher_norm: str = flag(
        "auto",
        "the teacher's batch norm: by each image's own statistics, by those of training (running), or as the teacher "
        "was best with",
        choices=("auto", "image", "running"),
        only="train",
    )
    lambda_teacher: float = flag(
        100.0, "weight of the mean difference from the teacher's output", only="train"
    )
    lambda_cycle: float = flag(
        10.0, "teacher of a CycleGAN: weight of the way back by its other generator", only="train"
    )
    lambda_L1: float = override(100.0, help="teacher of pairs: weight of the reconstruction loss")

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, lambda_teacher=self.lambda_teacher, lambda_cycle=self.lambda_cycle)


@dataclass(frozen=True)
class TestModelOptions(ModelOptions):
    """Which generator."""

    flag_defaults: ClassVar[dict[str, Any]] = {"dataset_mode": "single"}
    # not a test case, whatever pytest thinks of the name
    __test__: ClassVar[bool] = False

    model_suffix: str = flag(
        "",
        "loads <epoch>_net_G<model_suffix>.pth, e.g. _A for a CycleGAN's A to B",
        metavar="_A",
        only="test",
    )


# Name -> its flags; None: they stand in the model's own file, as a model of the user's has them.
MODELS: dict[str, type[ModelOptions] | None] = {
    "pix2pix": Pix2PixOptions,
    "cycle_gan": CycleGANOptions,
    "cut": CUTOptions,
    "colorization": ColorizationOptions,
    "distill": DistillOptions,
    "test": TestModelOptions,
    "template": None,
}


def model_options(name: str, netG: str = "", netD: str = "") -> type[ModelOptions]:
    """Finds the options group of a model, with the flags of generators and discriminators in files of their own.

    Raises: ValueError for an unknown model.
    """
    group: Any = MODELS.get(name) or find_class("models", "model", name, MODELS).Options
    own = [network_options("generator", netG), network_options("discriminator", netD)]
    return _combine(group, *(flags for flags in own if flags))


def network_options(kind: str, name: str) -> type | None:
    """Finds the flags of a network in a file of the user's own; None where there is no such file, or no flags."""
    if not has_file("models.networks", kind, name):
        return None
    return getattr(find_class("models.networks", kind, name, ()), "Options", None)


@cache
def _combine(group: type[ModelOptions], *more: type) -> type[ModelOptions]:
    """Makes a group of all their flags and checks; the same one every time."""
    if not more:
        return group

    def check(self: Any) -> None:
        for part in (group, *more):
            getattr(part, "__post_init__", lambda self: None)(self)

    combined = type(group.__name__, (group, *more), {"__post_init__": check})
    return dataclass(frozen=True)(combined)
