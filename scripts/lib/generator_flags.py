"""The flags by which scripts choose a trained generator and where it computes: the same in all of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options.base_options import PRECISIONS, RunOptions
from util.errors import InputError

if TYPE_CHECKING:  # PyTorch takes seconds, which --help and errors in flags do not wait for
    import torch

    from models.inference.find_generator import SavedGenerator
    from util.checkpoints.inference_settings import InferenceSettings

DIRECTIONS = ("AtoB", "BtoA")


def add_generator_flags(parser: argparse.ArgumentParser, *, weights: bool = False) -> None:
    """Adds the choice of a generator and of its batch norm; with `weights` it may also be one file."""
    add = parser.add_argument
    # fmt: off
    source = parser.add_mutually_exclusive_group(required=True) if weights else None
    (source.add_argument if source else add)("--name", **({} if source else {"required": True}), help="run: its folder in --checkpoints_dir")
    if source:
        source.add_argument("--weights", type=Path, metavar="FILE", help="weights of one generator, such as a downloaded latest_net_G.pth, in place of a run")
    else:
        parser.set_defaults(weights=None)
    add("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs")
    add("--direction", choices=DIRECTIONS, help="which generator of a CycleGAN (default: that of training)")
    add("--epoch", default="latest", help="saved epoch: a number, latest, best, best_METRIC or iter_N")
    add("--use_ema", action="store_true", default=None, help="use the averaged weights of a run trained with --ema, with --no_use_ema the raw ones (default: those that training found better)")
    add("--no_use_ema", dest="use_ema", action="store_false", default=None, help=argparse.SUPPRESS)
    add("--norm_policy", choices=("auto", "image", "running"), default="auto", help="batch norm by each image's own statistics, or by those of training, as test.py --eval; auto is what training found better, as test.py does (docs/tips.md)")
    for alias in ("--running_statistics", "--eval"):  # of translate.py until now, and of test.py
        add(alias, dest="norm_policy", action="store_const", const="running", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    # fmt: on


def add_device_flags(parser: argparse.ArgumentParser, *, precision: bool = True) -> None:
    """Adds where networks compute, and in which precision."""
    add = parser.add_argument
    # fmt: off
    add("--gpu_ids", default="0", help="the GPU to use, if there is one; -1 for the CPU")
    add("--device", default="", help=argparse.SUPPRESS)  # by PyTorch's name, as serve.py had it
    if precision:
        add("--precision", choices=PRECISIONS, default="auto", help="of the network's arithmetic; auto is fp32")
    # fmt: on


def checkpoint(options: argparse.Namespace) -> Path:
    """Returns the run's folder, or the file of weights. Raises: InputError when it is not there."""
    place: Path = options.weights or options.checkpoints_dir / options.name
    if not options.weights and not place.is_dir():
        from util.checkpoints.files import nearest_run

        meant = nearest_run(place)
        raise InputError(f"there is no folder {place}{meant}: check --name and --checkpoints_dir")
    return place


def chosen_generator(options: argparse.Namespace) -> SavedGenerator:
    """Raises: InputError when there is none."""
    from models.inference.find_generator import find_generator

    saved = find_generator(checkpoint(options), options.direction, options.epoch, options.use_ema)
    print_settings(saved.settings.with_policy(options.norm_policy))
    return saved


def print_settings(settings: InferenceSettings) -> None:
    """Says by which statistics and with which weights a generator translates, where that had to be chosen."""
    if settings.reason:
        print(settings)


def chosen_device(options: argparse.Namespace) -> torch.device:
    """Raises: InputError when it cannot be used here."""
    from util.device import device_of, select_device

    if getattr(options, "device", ""):
        return device_of(options.device)
    try:
        return select_device(RunOptions(gpu_ids=options.gpu_ids).gpu_ids)
    except ValueError as error:
        raise InputError(str(error)) from None


def translator_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `load_translator` but for the checkpoint."""
    return {
        "direction": options.direction,
        "epoch": options.epoch,
        "use_ema": options.use_ema,
        "device": chosen_device(options),
        "precision": options.precision,
        "running_statistics": {"auto": None, "image": False, "running": True}[options.norm_policy],
        "batch_size": options.batch_size,
    }
