"""Reads and writes checkpoint files, and puts an earlier run's aside."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from options.saved import OPTIONS_FILE
from options.wording import did_you_mean, printable
from util.checkpoints.names import STATE_FILE, list_networks
from util.checkpoints.reader import Damaged, Refused, read_checkpoint
from util.errors import InputError
from util.files import read_json, replacing, write_text

# Marks options.json of a run that has not yet put aside an earlier one's files.
UNFINISHED = "puts_earlier_run_aside"
# Names under which other programs keep weights in a file, and what wrappers put before each name.
WRAPPINGS = ("state_dict", "model_state_dict", "model", "params_ema", "params", "generator", "net")
PREFIXES = re.compile(r"^(?:(?:module|_orig_mod|netG\w*)\.)+")


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
    """Reads a file without ever running code from it, and compares it with its checksums.

    Raises: InputError that names the file, when it is missing, damaged, or holds more than data.
    """
    again = "copy or download it again, or load another by --epoch"
    try:
        _check_kind(path)
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on unusual pickles, which the errors below explain
            return read_checkpoint(file)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist{_neighbours(path)}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except Refused as error:
        raise InputError(f"{path} was refused: {error}") from None
    except Damaged as error:
        raise InputError(
            f"{path} is damaged, or not a checkpoint of plain tensors ({error}): {again}"
        ) from None
    except Exception as error:  # PyTorch has many words for a damaged file
        raise InputError(
            f"{path} is damaged, or not a checkpoint of plain tensors ({type(error).__name__}): {again}"
        ) from None


def verify(path: Path) -> str:
    """Reads a file to its end and compares it with its checksums; returns the verdict.

    Raises: InputError as `load`.
    """
    load(path)
    if zipfile.is_zipfile(path):
        return "whole"
    return "readable; files from before PyTorch 1.6 have no checksums"


def _check_kind(path: Path) -> None:
    """Raises: Refused for a pipe or a device, which could be read without end."""
    if not path.is_file() and not path.is_dir() and path.exists():
        raise Refused("it is no regular file")


def start_afresh(folder: Path, options: str) -> bool:
    """Writes options.json for a new run, and renames an earlier run's latest_* to previous_*; False if there is none.

    Until all are renamed options.json says so, for `finish_start` to go on after a kill.
    Raises: InputError when the folder refuses.
    """
    earlier = bool(_latest_files(folder))
    if earlier:
        marked = {**json.loads(options), UNFINISHED: True}
        write_text(folder / OPTIONS_FILE, json.dumps(marked, indent=2) + "\n")
        _put_aside(folder)
    write_text(folder / OPTIONS_FILE, options)
    return earlier


def finish_start(folder: Path) -> None:
    """Renames what is left of an earlier run, where a new one was killed while it did so.

    Raises: InputError when the folder refuses.
    """
    if read_json(folder / OPTIONS_FILE).get(UNFINISHED) is True:
        _put_aside(folder)


def _latest_files(folder: Path) -> list[Path]:
    networks = [file.path for file in list_networks(folder, "latest")]
    return [file for file in (folder / STATE_FILE, *networks) if file.exists()]


def _put_aside(folder: Path) -> None:
    try:
        # The state first: without it the rest is nothing to continue exactly.
        for file in _latest_files(folder):
            file.replace(file.with_name(file.name.replace("latest", "previous", 1)))
    except OSError as error:
        raise InputError(f"cannot rename files in {folder}: {error.strerror}") from None


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Reads a state_dict, also from where other programs put it: {"state_dict": ...}, module.KEY, netG._orig_mod.KEY.

    Raises: InputError as `load`, and when the file holds something else.
    """
    content = load(path)
    for name in WRAPPINGS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not _are_weights(content):
        found = ""
        if isinstance(content, Mapping) and content:
            names = [printable(str(key)) for key in list(content)[:8]]
            found = f"; found {', '.join(names)}{', ...' if len(content) > 8 else ''}"
        raise InputError(f"{path} holds no network weights (expected a dict of tensors{found})")
    weights = {PREFIXES.sub("", key): value for key, value in content.items()}
    if len(weights) < len(content):
        raise InputError(f"{path} holds weights of several networks under the same names")
    return weights


def _are_weights(content: Any) -> bool:
    return isinstance(content, Mapping) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    )


def describe_misfit(weights: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> str:
    """Names the first difference between two state_dicts in keys, shapes or kind of numbers; "" for none."""
    for key, value in own.items():
        if key not in weights:
            return f"it lacks {printable(key)}"
        found = weights[key]
        if not isinstance(found, torch.Tensor):
            return f"{printable(key)} is no tensor"
        if found.shape != value.shape:
            shapes = f"{tuple(found.shape)}, this network wants {tuple(value.shape)}"
            return f"{printable(key)} has shape {shapes}"
        if found.is_complex() or (found.dtype == torch.bool and value.dtype != torch.bool):
            return f"{printable(key)} has no real numbers"
    extra = [key for key in weights if key not in own]
    return f"it has {printable(str(extra[0]))} besides" if extra else ""


def nearest_run(folder: Path) -> str:
    """Proposes a run whose name is near that of a folder that is not there; "" if there is none."""
    runs = folder.parent.iterdir() if folder.parent.is_dir() else ()
    return did_you_mean(folder.name, (run.name for run in runs))


def _neighbours(path: Path) -> str:
    """Lists what the folder holds instead, for an error message."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}{nearest_run(path.parent)}; check --name and --checkpoints_dir"
    found = [file.path.name for file in list_networks(path.parent)]
    if not found:
        return f": {path.parent} holds no *_net_*.pth; train first, or check --name"
    shown = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    return f"; found {shown}: check --epoch, --load_iter, --model and --model_suffix"
