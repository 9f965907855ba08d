"""Finds the generator of a run, or of a weights file, for a direction, and builds it with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models import MODELS, Execution, create_model, model_options
from models.base_model import BaseModel
from models.networks.norms import separate_norms
from models.networks.weights import architecture, fit_weights
from models.test_model import TestModelOptions
from options.base_options import ALPHAS, ModelOptions
from options.flags import build
from options.saved import OPTIONS_FILE, read_options
from options.types import AUTO, pages_of, parse_bands, parse_nodata, parse_range
from util.checkpoints.files import load_weights
from util.checkpoints.inference_settings import UNKNOWN, InferenceSettings, read_settings
from util.checkpoints.names import list_networks, network_path, parse_network_path
from util.errors import InputError
from util.images.values import Values

DIRECTIONS = ("AtoB", "BtoA")
OTHER_DIRECTION = {"AtoB": "BtoA", "BtoA": "AtoB"}
OTHER_GENERATOR = {"G_A": "G_B", "G_B": "G_A"}


@dataclass(frozen=True)
class SavedGenerator:
    """A generator's weights file, and what is known of it.

    Attributes:
        name: of the network: G; G_A or G_B of a CycleGAN.
        flags: that it was trained with; {} where no options.json tells.
        settings: how it translates best.
    """

    path: Path
    name: str
    flags: Mapping[str, Any]
    settings: InferenceSettings = UNKNOWN

    @property
    def direction(self) -> str:
        """AtoB or BtoA; "" where nothing tells."""
        trained = self.flags.get("direction", "AtoB" if self.name in OTHER_GENERATOR else "")
        return OTHER_DIRECTION.get(trained, "") if self.name == "G_B" else trained

    def other_way(self) -> Path | None:
        """Returns the file of a CycleGAN's other generator, None where there is none."""
        file = parse_network_path(self.path)
        if file is None or self.name not in OTHER_GENERATOR:
            return None
        other = OTHER_GENERATOR[self.name]
        path = network_path(self.path.parent, file.label, other, averaged=file.averaged)
        return path if path.exists() else None


def find_generator(
    place: Path,
    direction: str | None = None,
    epoch: str | int = "latest",
    use_ema: bool | None = None,
) -> SavedGenerator:
    """Finds the generator of a folder such as checkpoints/NAME, or of one weights file; see `load_translator`.

    Raises: InputError when there is none, or none for that direction.
    """
    if direction not in (None, *DIRECTIONS):
        raise InputError(f"direction {direction!r} is unknown: choose from {', '.join(DIRECTIONS)}")
    if not place.exists():
        raise InputError(f"there is no file or folder {place}")
    if place.is_dir():
        flags = saved_flags(place / OPTIONS_FILE)
        name = _name(place, direction, flags)
        label = find_label(place, str(epoch), name, flags)
        settings = read_settings(place, label, flags)
        averaged = uses_averaged(place, label, name, settings, use_ema)
        path = network_path(place, label, name, averaged=averaged)
        return SavedGenerator(path, name, flags, settings.for_weights(averaged, flags))
    file = parse_network_path(place)
    name, flags, settings = "G", {}, UNKNOWN
    if file:
        name, flags = file.network, saved_flags(place.parent / OPTIONS_FILE)
        settings = read_settings(place.parent, file.label, flags).for_weights(file.averaged, flags)
    wanted = _of_pair(direction, flags) if name in OTHER_GENERATOR else name
    if direction and wanted != name:
        raise InputError(f"{place} is not the generator for {direction}: that is {wanted}")
    if name == "G":
        _check_direction(place, direction, flags)
    return SavedGenerator(place, name, flags, settings)


def uses_averaged(
    folder: Path, label: str, name: str, settings: InferenceSettings, asked: bool | None
) -> bool:
    """Tells whether the averaged weights are taken: as asked, or where they are best and there."""
    if asked is not None:
        return asked
    return settings.averaged and network_path(folder, label, name, averaged=True).exists()


def saved_flags(file: Path) -> dict[str, Any]:
    """Reads a run's options.json, {} where there is none. Raises: InputError when it is damaged."""
    try:
        return read_options(file) if file.exists() else {}
    except ValueError as error:
        raise InputError(str(error)) from None


def _name(folder: Path, direction: str | None, flags: Mapping[str, Any]) -> str:
    """Returns the name of the network for the direction. A run has G, or G_A and G_B; of published ones G_A may be called G."""
    if any(file.network in OTHER_GENERATOR for file in list_networks(folder)):
        return _of_pair(direction, flags)
    _check_direction(folder, direction, flags)
    return "G"


def _of_pair(direction: str | None, flags: Mapping[str, Any]) -> str:
    """G_A is the direction of training: with --direction BtoA it takes the images of domain B."""
    trained = flags.get("direction", "AtoB")
    return "G_A" if (direction or trained) == trained else "G_B"


def _check_direction(place: Path, direction: str | None, flags: Mapping[str, Any]) -> None:
    trained = flags.get("direction")
    if direction and trained and direction != trained:
        raise InputError(
            f"{place} was trained to translate {trained} (--direction {trained}) and has no generator for {direction}"
        )


def find_label(folder: Path, epoch: str, name: str, flags: Mapping[str, Any]) -> str:
    """Returns the prefix of the files: "best" is that by the first of --val_metrics, or the only one.

    Raises: InputError when there is none, or when it is not clear which.
    """
    if epoch != "best":
        return epoch
    files = [file for file in list_networks(folder) if file.label.startswith("best_")]
    found = sorted({file.label for file in files if file.network == name})
    first = f"best_{str(flags.get('val_metrics', '')).split(',')[0].strip()}"
    if first in found:
        return first
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"{folder} holds no best_*_net_{name}.pth: these are kept by training with --val_freq"
        )
    raise InputError(f"{folder} holds several best: choose from {', '.join(found)}")


def values_of(
    saved: SavedGenerator,
    *,
    range_A: str | None = None,
    range_B: str | None = None,
    label_A: int | None = None,
    label_B: int | None = None,
    alpha: str | None = None,
    page: str | None = None,
    nodata: str | None = None,
) -> tuple[Values, Values]:
    """Finds the meaning of the values of a generator's inputs (A) and results (B); None: as it was trained.

    Their channels are the network's, which is not looked at here.

    Raises: InputError for what is no range.
    """
    flags = saved.flags
    A, B = (flags.get(name, AUTO) for name in ("range_A", "range_B"))
    pages = flags.get("page", "")
    bands = flags.get("bands_A", "")
    labels, labels_B = flags.get("label_A", 0), flags.get("label_B", 0)
    if saved.name == "G_B":
        A, B, bands = B, A, flags.get("bands_B", "")
        labels, labels_B = labels_B, labels
        pages = ";".join(reversed(pages_of(pages)))
    if alpha not in (None, *ALPHAS):
        raise InputError(f"alpha {alpha!r} is unknown: choose from {', '.join(ALPHAS)}")
    try:
        missing = parse_nodata(str(flags.get("nodata", "") if nodata is None else nodata))
        inputs = Values(
            "A",
            channels=3,
            declared=parse_range("range_A", range_A or A),
            labels=int(labels if label_A is None else label_A),
            alpha=alpha or flags.get("alpha", ALPHAS[0]),
            page=pages_of(pages if page is None else page)[0],
            bands=parse_bands("bands_A", str(bands)),
            nodata=missing,
        )
        declared = parse_range("range_B", range_B or B)
        classes = int(labels_B if label_B is None else label_B)
        results = Values("B", channels=3, declared=declared, labels=classes, nodata=missing)
        return inputs, results
    except ValueError as error:
        raise InputError(str(error)) from None


def build_generator(
    saved: SavedGenerator, execution: Execution | None = None
) -> tuple[BaseModel, nn.Module]:
    """Builds a model that can compute with the generator, and the generator with its weights.

    Raises: InputError when the file holds no weights, or not those of a generator.
    """
    own = saved.flags.get("model", "test")
    weights = load_weights(saved.path)
    found = architecture(weights, saved.flags)
    if not found and not saved.flags:
        raise InputError(f"{saved.path} holds no generator of a kind known here (ResNet, U-Net)")
    try:
        # A network that is not ours: its model knows how it is built.
        if own not in MODELS or not found:
            netG, netD = (str(saved.flags.get(name, "")) for name in ("netG", "netD"))
            group = model_options(own, netG, netD)
            options = build(group, dict(saved.flags))
        else:
            options = TestModelOptions(**{"no_dropout": True, **found})
        networks = sketch(options)
        name = saved.name if saved.name in networks else next(iter(networks))
        model = build_trained(options, {name: saved.path}, {name: weights}, execution)
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{saved.path} holds no generator that can be built: {error}") from None
    return model, model.networks()[name]


def sketch(options: ModelOptions) -> dict[str, nn.Module]:
    """Builds a model's networks for testing without their content, which needs no memory."""
    meta = Execution(torch.device("meta"))
    with meta.device:
        return create_model(options, execution=meta).networks()


def build_trained(
    options: ModelOptions,
    files: Mapping[str, Path],
    weights: Mapping[str, Mapping[str, torch.Tensor]],
    execution: Execution | None = None,
) -> BaseModel:
    """Builds a model on its device and loads the weights, network by network.

    No network is built before the weights are known to fit: a few large shapes in a file do not fill the memory.
    Args:
        files: network -> where its weights are from, for messages.
        weights: network -> state_dict.
    Raises: InputError when weights do not fit.
    """
    for name, network in sketch(options).items():
        if name in weights:
            fit_weights(weights[name], network, files[name])
    model = create_model(options, execution=execution)
    for name, network in model.networks().items():
        if name in weights:
            network.load_state_dict(fit_weights(weights[name], network, files[name]))
    return model


def apply_norm_policy(model: nn.Module, norm_policy: str) -> None:
    """Makes batch norm take each image's own statistics ("image"), or leaves it those of training ("running")."""
    if norm_policy == "image":
        separate_norms(model)
