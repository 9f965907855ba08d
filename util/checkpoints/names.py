"""A checkpoint folder: the names of its files.

checkpoints/NAME/ holds LABEL_net_NETWORK.pth, the weights of one network as everybody can read them, for the labels
latest, 20 (an epoch), iter_5000 and best_l1 (a metric), with NETWORK_ema beside for averaged weights; latest_state.pth,
from which training goes on; and options.json, the flags of training.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

STATE_FILE = "latest_state.pth"
PREVIOUS_STATE = "previous_state.pth"
# Ends the names of networks with averaged weights.
AVERAGED = "_ema"
NETWORK_FILE = re.compile(rf"(.+?)_net_(\w+?)({AVERAGED})?\.pth")
LABEL = re.compile(r"latest|\d+|iter_\d+|best_\w+")


class NetworkFile(NamedTuple):
    """One network's weights.

    Attributes:
        label: latest, an epoch, iter_N or best_METRIC.
        network: G, G_A, D ...
        averaged: whether these are the weights of --ema.
    """

    path: Path
    label: str
    network: str
    averaged: bool


def network_path(folder: Path, label: str, network: str, *, averaged: bool = False) -> Path:
    """Returns where the weights of a network lie."""
    return folder / f"{label}_net_{network}{AVERAGED if averaged else ''}.pth"


def parse_network_path(path: Path) -> NetworkFile | None:
    """Reads label and network from the name of a file; None for another kind of file."""
    match = NETWORK_FILE.fullmatch(path.name)
    return NetworkFile(path, match[1], match[2], bool(match[3])) if match else None


def list_networks(folder: Path, label: str = "") -> list[NetworkFile]:
    """Lists a folder's weights files by name, of one label or of all; [] where there is no folder."""
    found = (parse_network_path(path) for path in sorted(folder.glob("*_net_*.pth")))
    return [file for file in found if file and label in ("", file.label)]


def is_label(text: object) -> bool:
    """Tells whether this is a label of network files, and no path to somewhere else."""
    return isinstance(text, str) and LABEL.fullmatch(text) is not None
