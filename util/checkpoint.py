"""Checkpoint files: <label>_net_<name>.pth for everybody, and one state file to resume from."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch

from util.errors import InputError
from util.files import replacing

STATE_FILE = "latest_state.pth"


def network_path(folder: Path, label: str, name: str) -> Path:
    """Where the weights of a network lie."""
    return folder / f"{label}_net_{name}.pth"


def on_cpu(value: Any) -> Any:
    """A copy of nested dicts and lists with every tensor on the CPU."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        whole = value.untyped_storage().nbytes() == value.numel() * value.element_size()
        return value if whole else value.clone()  # a view would drag all it looks into along
    if isinstance(value, Mapping):
        return {key: on_cpu(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [on_cpu(item) for item in value]
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
            warnings.simplefilter("ignore")  # on unusual pickles, which the errors below explain
            return _load(path, file)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist{_neighbours(path)}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


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
    found = sorted(file.name for file in path.parent.glob("*_net_*.pth"))
    if not found:
        return f": {path.parent} holds no *_net_*.pth; train first, or check --name"
    shown = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    return f"; found {shown}: check --epoch, --load_iter, --model and --model_suffix"
