"""Flags that pass one by one, but with which nothing can be trained or translated; or just so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import write_images
from PIL import Image

from bad_inputs.commands import pairs, train_run, translate, weights
from bad_inputs.folders import trained
from bad_inputs.kind import BadInput


def training(*flags: str) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        pairs(folder)
        return lambda: train_run(folder, *flags)

    return make


def testing(*flags: str) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        write_images(folder / "given", 1, 12, 12)
        weights(folder)
        return lambda: translate(folder, *flags)

    return make


def grey_colorization(folder: Path):
    """A grey picture of one pixel among those whose colours are to be learned."""
    write_images(folder / "given/train", 1)
    Image.new("L", (1, 1)).save(folder / "given/train/x.png")
    return lambda: train_run(folder, "--model", "colorization")


TRAINING: dict[str, tuple[list[str], str]] = {
    "netG of nothing": (["--netG", ""], "--netG '' is unknown"),
    "netG with a path": (["--netG", "../x"], "--netG '../x' is unknown"),
    "netG of a million blocks": (["--netG", "resnet_1000000blocks"], "is unknown"),
    "netD unknown": (["--netD", "x"], "--netD 'x' is unknown"),
    "crop that no network takes": (["--crop_size", "30"], "--crop_size 30"),
    "crop smaller than the discriminator's": (["--crop_size", "4"], "--crop_size 4"),
    "crop smaller than a U-Net's": (["--netG", "unet_64"], "--crop_size 32 does not fit"),
    "twelve layers on 32 pixels": (["--netD", "n_layers", "--n_layers_D", "12"], "--crop_size"),
    "load_size of a hundred thousand": (["--load_size", "100000"], "smaller --load_size"),
    "four channels": (["--input_nc", "4"], "--input_nc 4"),
    "ten thousand channels": (["--output_nc", "10000"], "--output_nc 10000"),
    "colours of grey pairs": (["--dataset_mode", "colorization", "--input_nc", "3"], "--input_nc 1 and --output_nc 2"),
    "phase that is not there": (["--phase", "val"], "there is no folder"),
    "epoch count behind the end": (["--epoch_count", "2"], "nothing would be trained"),
    "batch larger than the data": (["--batch_size", "99"], ""),
    "one image": (["--max_dataset_size", "1"], ""),
    "more loaders than images": (["--num_threads", "9"], ""),
    "seed of a million million": (["--seed", str(10**12)], ""),
    "learning rate of a million million": (["--lr", "1e12", "--norm", "none", "--max_dataset_size", "inf"], "--lr 1e+12"),
    "learning rate 0": (["--lr", "0"], ""),
    "no weight on any loss": (["--lambda_L1", "0"], ""),
    "gain 0": (["--init_gain", "0"], ""),
    "show and save at every image": (["--display_freq", "1", "--print_freq", "1", "--save_latest_freq", "1"], ""),
    "images of no width on the page": (["--display_winsize", "1"], ""),
}  # fmt: skip
TESTING: dict[str, tuple[list[str], str]] = {
    "data set for another model": (["--dataset_mode", "aligned"], "there is no folder"),
    "epoch of forty digits": (["--epoch", "9" * 40], "does not exist"),
    "iteration that is not there": (["--load_iter", "7"], "iter_7_net_G.pth does not exist"),
    "crop larger than the image": (["--preprocess", "crop", "--crop_size", "64"], "too few for --crop_size 64"),
    "scaled to a hundred thousand": (["--preprocess", "scale_width", "--load_size", "100000"], "smaller --load_size"),
    "stretched a hundred times": (["--aspect_ratio", "100"], ""),
    "stretched sideways a hundred times": (["--aspect_ratio", "0.01"], ""),
    "one image of a thousand asked for": (["--num_test", "1000"], ""),
    "batch larger than the data": (["--batch_size", "99"], ""),
    "as trained, one image at a time": (["--eval"], ""),
}  # fmt: skip

KINDS = [
    *(
        BadInput("run", f"train: {name}", training(*flags), says, check=trained)
        for name, (flags, says) in TRAINING.items()
    ),
    *(
        BadInput("run", f"test: {name}", testing(*flags), says)
        for name, (flags, says) in TESTING.items()
    ),
    BadInput("run", "train: colours of one grey pixel", grey_colorization, check=trained),
]
