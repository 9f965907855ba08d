"""Packages and weights that only some metrics need: found here, or told how to supply; nothing is downloaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from util.errors import InputError


@dataclass(frozen=True)
class Published:
    """A file of weights. The end of its name begins its SHA-256."""

    file: str
    address: str
    megabytes: int
    flag: str


PUBLISHED = {
    "inception": Published(
        "weights-inception-2015-12-05-6726825d.pth",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/",
        91,
        "--inception_weights",
    ),
    "alexnet": Published(
        "alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/", 233, "--lpips_weights"
    ),
}


def find_weights(network: str, given: Mapping[str, str | Path]) -> Path:
    """Returns the file of a network's weights. given: network -> path.

    Raises: InputError, with the two ways to supply it.
    """
    known = PUBLISHED[network]
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    path = Path(given[network]) if given.get(network) else cache / known.file
    if path.is_file():
        return path
    missing = f"there is no file {path}" if given.get(network) else "they were not found"
    raise InputError(
        f"the weights of {network} are needed, and {missing}. Nothing is downloaded by itself: fetch\n"
        f"  {known.address}{known.file}\n"
        f"({known.megabytes} MB) with a browser or curl and put it into {cache}, or give its path by {known.flag}"
    )


def need(name: str, *packages: str, flags: str = "") -> None:
    """Raises: InputError when a package that a metric or a flag needs, by its name for pip, is missing."""
    absent = [one for one in packages if importlib.util.find_spec(one.replace("-", "_")) is None]
    if absent:
        raise InputError(
            f"{name} needs a package that is not installed: pip install {flags}{' '.join(absent)}"
        )
