"""The flags that training and testing share, as typed groups, and their contradictions."""

from __future__ import annotations

import math
import os
import re
from argparse import Namespace
from dataclasses import dataclass
from typing import Any, ClassVar

from options.flags import flag
from options.types import (
    MEASURE,
    count_or_inf,
    pages_of,
    parse_bands,
    parse_names,
    parse_nodata,
    parse_range,
    path,
    sides,
    size,
)

NORMS = ("instance", "batch", "none", "syncbatch", "sync_batch", "sync_instance")
PREPROCESS = ("resize_and_crop", "crop", "scale_width", "scale_width_and_crop", "none")
UPSAMPLES = ("transposed", "resize", "blur")
INITS = ("normal", "xavier", "kaiming", "orthogonal")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
ALPHAS = ("drop", "white", "black")
AUGMENTATIONS = ("rot90", "flip", "scale")
DIFFAUGMENTS = ("color", "translation", "cutout")
# Bytes in the name of a file or folder.
LONGEST = 255
GAN_MODES = ("lsgan", "vanilla", "nonsaturating", "wgangp", "hinge")


@dataclass(frozen=True)
class RunOptions:
    """Which run this is, and where it lives."""

    name: str = flag(
        "experiment_name",
        "name of the run: its folder under checkpoints and results",
        metavar="NAME",
    )
    checkpoints_dir: str = flag("./checkpoints", "folder of all runs", parse=path, metavar="FOLDER")
    gpu_ids: str = flag(
        "0", "GPUs to use, a process for each: 0, or 0,1,2; -1 for the CPU", metavar="LIST"
    )
    phase: str = flag(
        "train", "split of the data set: train, val, test, ...", test="test", metavar="NAME"
    )
    epoch: str = flag(
        "latest",
        "which saved epoch to load: a number, latest, best (by the first of --val_metrics) or best_METRIC",
        metavar="EPOCH",
    )
    load_iter: int = flag(0, "load iter_N instead of an epoch; 0 = off")
    verbose: bool = flag(False, "print the networks layer by layer")
    suffix: str = flag("", "added to --name, e.g. {model}_{netG}_size{load_size}")
    recipe: str = flag(
        "paper",
        "defaults to start from: the papers' settings, or those that measured better (docs/quality.md)",
        choices=("paper", "modern"),
        only="train",
    )
    seed: int = flag(0, "seed of all randomness: weights, data order, augmentation, dropout, pools")
    precision: str = flag(
        "auto",
        "of the networks' arithmetic; auto trains in bf16 on a GPU that has it, else fp32",
        choices=PRECISIONS,
    )
    no_cuda_graphs: bool = flag(
        False, "do not record training steps on a GPU to repeat them faster", only="train"
    )
    compile: bool = flag(
        False, "torch.compile the networks: minutes at the start, faster steps", only="train"
    )
    time_limit: float = flag(
        0.0, "hours after which training saves and stops, to be continued; 0 = off", only="train"
    )
    deterministic: bool = flag(
        False, "the same bits every time also on a GPU, where that is slower", only="train"
    )

    def __post_init__(self) -> None:
        at_least(0, load_iter=self.load_iter, seed=self.seed, time_limit=self.time_limit)
        plain_name("name", self.name, "; --checkpoints_dir says where it lies")
        plain_name("phase", self.phase)
        if not (self.epoch.isdecimal() or re.fullmatch(r"latest|best(_\w+)?", self.epoch)):
            raise ValueError(
                f"--epoch {self.epoch!r} is neither a number nor latest, best or best_METRIC"
            )
        if self.gpu_ids != "-1" and not all(i.strip().isdecimal() for i in self.gpu_ids.split(",")):
            raise ValueError(
                f"--gpu_ids {self.gpu_ids!r} is not -1 (CPU) or a list such as 0 or 0,1"
            )
        numbers = [int(number) for number in self.gpu_ids.split(",")]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"--gpu_ids {self.gpu_ids} names a GPU twice: each has one process")

    @property
    def label(self) -> str:
        """Prefix of the checkpoint files to load: latest, an epoch number, or iter_N."""
        return f"iter_{self.load_iter}" if self.load_iter else self.epoch


@dataclass(frozen=True)
class DataOptions:
    """Which images, and what is done to them before the network sees them."""

    flag_defaults: ClassVar[dict[str, Any]] = {}

    dataroot: str = flag(
        "",
        "folder of the images; layouts: docs/datasets.md",
        parse=path,
        metavar="FOLDER",
        required=True,
    )
    dataset_mode: str = flag(
        "unaligned",
        "aligned, unaligned, single, colorization, template, or your data/<x>_dataset.py",
        metavar="NAME",
    )
    direction: str = flag("AtoB", "which domain is translated", choices=("AtoB", "BtoA"))
    serial_batches: bool = flag(False, "fixed order instead of shuffling")
    num_threads: int = flag(4, "loader processes; 0 = load in the training process", test=0)
    batch_size: int = flag(1, "images per step of each process (each GPU)")
    load_size: int | str = flag(
        286,
        "resize to this many pixels first: N, or HEIGHTxWIDTH",
        parse=size,
        metavar="PIXELS",
        test=256,
    )
    crop_size: int | str = flag(
        256, "then crop to this many pixels: N, or HEIGHTxWIDTH", parse=size, metavar="PIXELS"
    )
    max_dataset_size: float = flag(
        math.inf, "use at most this many images per folder", parse=count_or_inf, metavar="N"
    )
    preprocess: str = flag("resize_and_crop", "resizing and cropping", choices=PREPROCESS)
    no_flip: bool = flag(False, "no random horizontal flips")
    augment: str = flag(
        "",
        "more random changes, the same for both images of a pair: rot90 (quarter turns), flip (top to bottom), scale "
        "(by 0.9 to 1.1); empty = off",
        metavar="LIST",
        only="train",
    )
    crops_per_image: int = flag(
        1, "crops that an epoch takes of each image; --cache saves decoding it again", only="train"
    )
    range_A: str = flag(
        "auto",
        "values LOW,HIGH of input files, or of each channel: LOW,HIGH;LOW,HIGH...; auto = by their type, measure = as the "
        "training images have them (docs/datasets.md)",
        metavar="LOW,HIGH",
    )
    range_B: str = flag("auto", "values of output files, as --range_A", metavar="LOW,HIGH")
    bands_A: str = flag(
        "",
        "channels to read from input files, in this order, such as 4,3,2 (the first channel is 1); empty = all",
        metavar="N,N...",
    )
    bands_B: str = flag("", "channels to read from output files, as --bands_A", metavar="N,N...")
    nodata: str = flag(
        "",
        "value (nan or a number) of pixels without data: they do not count in losses and scores, and results have it in "
        "the same places",
        metavar="VALUE",
    )
    page: str = flag(
        "",
        "plane that is read from files of several: its number, from 0, or places along axes (z=5 or c=0,z=5); "
        "c=0;c=1 has one for A and one for B",
        metavar="N",
    )
    alpha: str = flag(
        "drop",
        "transparency: drop it, or lay images on white or black; it is a channel where --input_nc counts it",
        choices=ALPHAS,
    )
    cache: str = flag(
        "",
        "folder to keep decoded and resized images in; RAM or a fast disk",
        parse=path,
        metavar="FOLDER",
    )
    bad_images: str = flag(
        "stop",
        "on an image that cannot be used: stop (after saving), or skip it and list it at the end",
        choices=("stop", "skip"),
    )

    def __post_init__(self) -> None:
        at_least(1, 1e6, batch_size=self.batch_size)
        load, crop = sides(self.load_size), sides(self.crop_size)
        for load_side, crop_side in zip(load, crop, strict=True):
            at_least(1, 1e5, crop_size=crop_side, load_size=load_side)
        at_least(1, math.inf, max_dataset_size=self.max_dataset_size)
        at_least(0, 1e4, num_threads=self.num_threads)
        at_least(1, 1e6, crops_per_image=self.crops_per_image)
        for name in ("range_A", "range_B"):
            if getattr(self, name) != MEASURE:
                parse_range(name, getattr(self, name))
        for name in ("bands_A", "bands_B"):
            parse_bands(name, getattr(self, name))
        parse_nodata(self.nodata)
        pages_of(self.page)
        parse_names("augment", self.augment, AUGMENTATIONS)
        if self.crops_per_image > 1 and "crop" not in self.preprocess:
            raise ValueError(
                f"--crops_per_image {self.crops_per_image} needs a --preprocess that crops, not {self.preprocess}"
            )
        resizes = self.preprocess in ("resize_and_crop", "scale_width_and_crop")
        if resizes and (load[0] < crop[0] or load[1] < crop[1]):
            raise ValueError(
                f"--load_size {self.load_size} is smaller than --crop_size {self.crop_size}: "
                f"give --load_size {self.crop_size} or more, or a smaller --crop_size"
            )


@dataclass(frozen=True)
class ModelOptions:
    """What the networks are. Models subclass it; see models/template_model.py."""

    flag_defaults: ClassVar[dict[str, Any]] = {}

    model: str = flag(
        "cycle_gan",
        "cycle_gan, pix2pix, cut, test, colorization, distill, template, or your models/<x>_model.py",
        metavar="NAME",
        test="test",
    )
    input_nc: int = flag(3, "channels of input images: 3 for colour, 1 for grey, or any number")
    output_nc: int = flag(3, "channels of output images: 3 for colour, 1 for grey, or any number")
    label_A: int = flag(
        0,
        "number of classes of inputs that are label maps, a channel for each (sets --input_nc); 0 = images",
    )
    label_B: int = flag(
        0,
        "number of classes of outputs that are label maps, a channel for each (sets --output_nc); 0 = images",
    )
    ngf: int = flag(64, "generator filters in the first layer")
    ndf: int = flag(64, "discriminator filters in the first layer")
    netD: str = flag(
        "basic",
        "basic (70x70 PatchGAN), n_layers, pixel, or projected (judges features of EfficientNet-Lite0, which was trained on "
        "photographs; in pix2pix those of the output alone)",
        metavar="NAME",
    )
    netG: str = flag(
        "resnet_9blocks",
        "resnet_9blocks, resnet_6blocks, unet_64 ... unet_1024, encoder_decoder_64 ... encoder_decoder_1024",
        metavar="NAME",
    )
    n_layers_D: int = flag(3, "strided layers of the discriminator, with --netD n_layers")
    upsample: str = flag(
        "transposed",
        "how generators double the size: transposed (as the papers), resize or blur (no checkerboards)",
        choices=UPSAMPLES,
    )
    no_antialias: bool = flag(
        True,
        "strided convolutions in ResNets and PatchGANs; --antialias: blurred before every other pixel is dropped",
    )
    no_antialias_up: bool = flag(
        True,
        "double the size in ResNets as --upsample says; --antialias_up: bilinear, then a convolution",
    )
    norm: str = flag("instance", "normalization", choices=NORMS)
    init_type: str = flag("normal", "weight initialisation", choices=INITS)
    init_gain: float = flag(0.02, "scale of normal, xavier and orthogonal initialisation")
    no_dropout: bool = flag(False, "no dropout in the generator (--dropout switches it on)")
    gan_mode: str = flag("lsgan", "adversarial loss", choices=GAN_MODES, only="train")
    pool_size: int = flag(50, "generated images kept to show D again; 0 = off", only="train")

    @classmethod
    def variant(cls, values: Namespace) -> type[ModelOptions]:
        """The class whose defaults hold with these flags; one of another mode, where a model has several."""
        return cls

    def __post_init__(self) -> None:
        at_least(0, 256, label_A=self.label_A, label_B=self.label_B)
        at_least(1, 1e4, input_nc=self.input_nc, output_nc=self.output_nc)
        if self.label_A and self.input_nc != self.label_A:
            raise ValueError(
                f"--label_A {self.label_A} makes as many input channels: leave out --input_nc {self.input_nc}"
            )
        if self.label_B and self.output_nc != self.label_B:
            raise ValueError(
                f"--label_B {self.label_B} makes as many output channels: leave out --output_nc {self.output_nc}"
            )
        at_least(1, 4096, ngf=self.ngf, ndf=self.ndf)
        at_least(1, 12, n_layers_D=self.n_layers_D)
        at_least(0, 1e6, pool_size=self.pool_size)
        at_least(0, 1e3, init_gain=self.init_gain)


@dataclass(frozen=True)
class GANOptions(ModelOptions):
    """Flags of every model with a discriminator."""

    lambda_GAN: float = flag(
        1.0, "weight of the adversarial loss; 0 = no discriminators, and faster", only="train"
    )
    normD: str = flag(
        "",
        "normalization of discriminators, where it is another than --norm",
        choices=("", *NORMS),
        only="train",
    )
    num_D: int = flag(
        1, "discriminators, each on the image at half the size of the one before", only="train"
    )
    spectral_norm: bool = flag(
        False,
        "divide the weights of discriminators by their largest singular value; goes well with --normD none",
        only="train",
    )
    r1: float = flag(
        0.0,
        "weight of R1, a penalty on D's gradient at real images: r1 / 2 times its squared length, where D is the sum of "
        "all patches; 0 = off",
        only="train",
    )
    r1_interval: int = flag(
        16, "with --r1: a penalty in every this many steps, so many times as heavy", only="train"
    )
    diffaugment: str = flag(
        "",
        "augment what D sees, real and generated, for small data sets: color,translation,cutout or some of them",
        metavar="LIST",
        only="train",
    )
    lr_D: float = flag(
        0.0, "initial learning rate of discriminators; 0 = that of --lr", only="train"
    )
    n_critic: int = flag(5, "with wgangp: D steps per G step", only="train")
    lambda_gp: float = flag(10.0, "with wgangp: weight of the gradient penalty", only="train")

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, lambda_GAN=self.lambda_GAN, lambda_gp=self.lambda_gp)
        at_least(0, r1=self.r1, lr_D=self.lr_D)
        at_least(1, n_critic=self.n_critic, r1_interval=self.r1_interval)
        parse_names("diffaugment", self.diffaugment, DIFFAUGMENTS)
        for name in ("spectral_norm", "r1", "diffaugment", "lr_D"):
            if getattr(self, name) and not self.lambda_GAN:
                raise ValueError(f"--{name} needs discriminators: a --lambda_GAN above 0")
        if self.label_B:
            self.refuse_color("--label_B")
        if self.r1 and self.gan_mode == "wgangp":
            raise ValueError("--r1 does not go with --gan_mode wgangp, which has its own penalty")
        at_least(1, 8, num_D=self.num_D)
        needs(self, "r1_interval", self.r1, "an --r1 above 0")
        if self.projects:
            self.check_pictures("--netD projected", "B")
            if self.num_D > 1:
                raise ValueError(
                    f"--netD projected judges at four scales itself: leave out --num_D {self.num_D}"
                )

    @property
    def projects(self) -> bool:
        """True if discriminators judge features of pictures."""
        return self.netD == "projected" and self.lambda_GAN > 0

    def check_pictures(self, flag_name: str, side: str) -> None:
        """Raises: ValueError if a flag needs pictures, and the images of a side are none."""
        labels = self.label_A if side == "A" else self.label_B
        if labels:
            raise ValueError(
                f"{flag_name} needs pictures, and --label_{side} {labels} makes label maps of them: leave one out"
            )
        nc, channels = ("input", self.input_nc) if side == "A" else ("output", self.output_nc)
        if channels not in (1, 3):
            raise ValueError(
                f"{flag_name} needs pictures, which have 1 or 3 channels, not --{nc}_nc {channels}"
            )

    def refuse_color(self, flag_name: str) -> None:
        """Raises: ValueError if --diffaugment changes the colours of images that have none."""
        if "color" in self.diffaugment:
            raise ValueError(
                f"--diffaugment color and {flag_name} do not go together: classes have no colours. Leave color out"
            )


@dataclass(frozen=True)
class LogOptions:
    """What is shown, where and how often."""

    display_winsize: int = flag(256, "width of images on pages and in visdom, in pixels")
    use_wandb: bool = flag(False, "log to Weights & Biases as well (pip install wandb)")
    wandb_project_name: str = flag("CycleGAN-and-pix2pix", "W&B project", metavar="NAME")
    wandb_checkpoints: bool = flag(
        False, "W&B: upload the latest and best networks when the run ends", only="train"
    )
    use_tensorboard: bool = flag(
        False, "log to TensorBoard as well (pip install tensorboard)", only="train"
    )
    display_freq: int = flag(400, "show images every this many images", only="train")
    update_html_freq: int = flag(
        1000, "write images to the training page every this many images", only="train"
    )
    examples: int = flag(
        6,
        "images of --val_phase, or of train where that is missing, translated after every epoch for the pages; 0 = none",
        only="train",
    )
    print_freq: int = flag(100, "print losses every this many images", only="train")
    no_html: bool = flag(False, "no training page in web/", only="train")
    no_hints: bool = flag(
        False, "no hints when training seems to go wrong (see docs/reliability.md)", only="train"
    )
    log_health: bool = flag(
        False,
        "log what D thinks of real and generated images, and norms of gradients (docs/watching.md)",
        only="train",
    )
    display_ncols: int = flag(
        4, "visdom: images per row; 0 = a window for each image", only="train"
    )
    display_id: int = flag(1, "visdom: first window; 0 or less = no visdom", only="train")
    display_server: str = flag("http://localhost", "visdom: server", metavar="URL", only="train")
    display_env: str = flag("main", "visdom: environment", metavar="NAME", only="train")
    display_port: int = flag(8097, "visdom: port", only="train")

    def __post_init__(self) -> None:
        at_least(1, display_freq=self.display_freq, print_freq=self.print_freq)
        at_least(1, update_html_freq=self.update_html_freq, display_winsize=self.display_winsize)
        at_least(0, display_ncols=self.display_ncols)
        at_least(0, 64, examples=self.examples)
        at_least(1, 65535, display_port=self.display_port)


def at_least(least: float, most: float = 1e12, **values: float) -> None:
    """Raises the error that names the flag whose value is too small, too large, or no number."""
    for name, value in values.items():
        if not value >= least:  # so that NaN fails too
            raise ValueError(f"--{name} {value} must be at least {least:g}")
        if value > most:
            raise ValueError(f"--{name} {value} must be at most {most:g}")


def needs(options: object, name: str, given: object, what: str) -> None:
    """Raises the error that names the flag, if it has another value than its default without what it needs."""
    value = getattr(options, name)
    if not given and value != getattr(type(options), name):
        raise ValueError(f"--{name} {value} needs {what}")


def plain_name(flag_name: str, value: str, advice: str = "") -> None:
    """Raises the error that names the flag, unless the value can be the name of one folder."""
    bad = not value or value in (".", "..") or value != value.strip() or not value.isprintable()
    if bad or any(character in value for character in "/\\"):
        raise ValueError(f"--{flag_name} {value!r} must be a plain folder name{advice}")
    if (length := len(os.fsencode(value))) > LONGEST:
        raise ValueError(
            f"--{flag_name} {value[:20]}... is too long: {length} bytes, where a folder's name may have {LONGEST}"
        )
