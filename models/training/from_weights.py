"""Starting from weights alone: the published, another run's, or one epoch's of the same run."""

from __future__ import annotations

import re
from pathlib import Path

from models.base_model import BaseModel
from models.inference.find_generator import find_label, saved_flags
from models.networks.weights import load_network
from util.checkpoints import files as checkpoint
from util.errors import InputError

NETWORK_FILE = re.compile(r".+_net_(.+)\.pth")


def init_from(model: BaseModel, source: Path, label: str) -> list[str]:
    """Loads what a folder of checkpoints, or one weights file, has for the networks of a fresh run."""
    files = _files_for(model, source, label)
    for name, path in files.items():
        load_network(model.networks()[name], path)
    lines = [f"network {name} starts from {path}" for name, path in files.items()]
    fresh = [name for name in model.networks() if name not in files]
    return [*lines, f"network {', '.join(fresh)}: fresh"] if fresh else lines


def _files_for(model: BaseModel, source: Path, label: str) -> dict[str, Path]:
    """Network -> weights file. A name that says nothing is taken for the first generator."""
    networks = list(model.networks())
    if source.is_file():
        match = NETWORK_FILE.fullmatch(source.name)
        return {match[1] if match and match[1] in networks else networks[0]: source}
    if not source.is_dir():
        raise InputError(f"--init_from {source}: there is no such file or folder")
    label = find_label(source, label, networks[0], saved_flags(source / "options.json"))
    files = {name: checkpoint.network_path(source, label, name) for name in networks}
    files = {name: path for name, path in files.items() if path.exists()}
    alone = checkpoint.network_path(source, label, "G")  # one direction, as published
    if not files and alone.exists():
        files = {networks[0]: alone}
    if not any(name.startswith("G") for name in files):
        found = ", ".join(sorted(file.name for file in source.glob("*.pth"))[:8])
        wanted = checkpoint.network_path(source, label, networks[0]).name
        raise InputError(
            f"--init_from {source} holds no {wanted} (found: {found or 'no .pth files'}); give the file "
            "itself, or choose by --epoch or --load_iter"
        )
    return files


def load_label(model: BaseModel, folder: Path, label: str) -> str:
    """Loads <label>_net_*.pth; discriminators, which published models lack, may be missing. Returns what it did."""
    first = next(iter(model.networks()))
    label = find_label(folder, label, first, saved_flags(folder / "options.json"))
    loaded, missing = [], []
    for name, network in model.networks().items():
        path = checkpoint.network_path(folder, label, name)
        if path.exists() or not name.startswith("D"):
            load_network(network, path)
            loaded.append(name)
        else:
            missing.append(name)
    text = f"continuing from the {label} weights of {', '.join(loaded)} in {folder}"
    return text + (f" ({', '.join(missing)} not found: fresh)" if missing else "")
