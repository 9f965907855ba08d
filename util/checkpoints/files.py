"""A checkpoint folder: the names of its files, and reading and writing them.

checkpoints/NAME/ holds LABEL_net_NETWORK.pth, the weights of one network as everybody can read them, for the labels
latest, 20 (an epoch), iter_5000 and best_l1 (a metric), with NETWORK_ema beside for averaged weights; latest_state.pth,
from which training goes on; and options.json, the flags of training.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch

from util.errors import InputError
from util.files import replacing

STATE_FILE = "latest_state.pth"
PREVIOUS_STATE = "previous_state.pth"
OPTIONS_FILE = "options.json"
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


def on_cpu(value: Any, copy: bool = False) -> Any:
    """Nested dicts and lists with every tensor on the CPU.

    copy: also of tensors that are there already, so that training may go on changing them.
    """
    if isinstance(value, torch.Tensor):
        there = value.detach().cpu().contiguous()
        whole = there.untyped_storage().nbytes() == there.numel() * there.element_size()
        if not whole or (copy and value.device.type == "cpu"):
            return there.clone()  # a view would drag all it looks into along
        return there
    if isinstance(value, Mapping):
        return {key: on_cpu(item, copy) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [on_cpu(item, copy) for item in value]
    return value


def save(path: Path, content: Any) -> None:
    """Writes tensors in dicts and lists as CPU tensors, in place of an older file at once.

    Raises: InputError when the disk refuses; an older file is then as it was.
    """
    with replacing(path) as file:
        try:
            torch.save(on_cpu(content), file)
        except RuntimeError as error:
            if isinstance(error.__context__, KeyboardInterrupt):  # torch's writer speaks over it
                raise KeyboardInterrupt from None
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def load(path: Path) -> Any:
    """Reads a file without ever running code from it.

    Raises: InputError that names the file, when it is missing, damaged, or holds more than data.
    """
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            _refuse_packed(path, file)
            warnings.simplefilter("ignore")  # on unusual pickles, which the errors below explain
            return _load(path, file)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist{_neighbours(path)}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is damaged ({error}): copy or download it again") from None


def _refuse_packed(path: Path, file: IO[bytes]) -> None:
    """A small file of packed zeros could fill the memory; PyTorch packs nothing."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as members:
            if any(member.compress_type != zipfile.ZIP_STORED for member in members.infolist()):
                raise InputError(f"{path} is packed, as PyTorch's files never are, and was refused")
    file.seek(0)


def _load(path: Path, file: IO[bytes]) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} is not a checkpoint of plain tensors: it is damaged, or would run code and was refused"
        ) from None
    except Exception as error:  # torch has many words for a damaged file
        raise InputError(
            f"{path} is incomplete, damaged or no checkpoint: copy or download it again, or load another "
            f"by --epoch ({type(error).__name__})"
        ) from None


def put_aside(folder: Path) -> bool:
    """Renames latest_* to previous_*, so that nobody takes an earlier run for a new one; False if there is none.

    Raises: InputError when the folder refuses.
    """
    networks = [file.path for file in list_networks(folder, "latest")]
    files = [file for file in (folder / STATE_FILE, *networks) if file.exists()]
    try:
        for file in files:  # the state first: without it the rest is nothing to continue exactly
            file.replace(file.with_name(file.name.replace("latest", "previous", 1)))
    except OSError as error:
        raise InputError(f"cannot rename files in {folder}: {error.strerror}") from None
    return bool(files)


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """A plain state_dict; `module.` prefixes of wrapped networks are taken off.

    Raises: InputError as `load`, and when the file holds something else.
    """
    content = load(path)
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    ):
        raise InputError(f"{path} holds no network weights (expected a dict of tensors)")
    return {key.removeprefix("module."): value for key, value in content.items()}


def _neighbours(path: Path) -> str:
    """What lies in the folder instead, for the error message."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}; check --name and --checkpoints_dir"
    found = [file.path.name for file in list_networks(path.parent)]
    if not found:
        return f": {path.parent} holds no *_net_*.pth; train first, or check --name"
    shown = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    return f"; found {shown}: check --epoch, --load_iter, --model and --model_suffix"
