"""An adapter that trains models written for the original code: set_input, forward, optimize_parameters."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
from torch import nn

from models import networks
from models.base_model import Adam, BaseModel, Batch, Step
from models.engine.image_pool import ImagePool
from models.losses import GANLoss
from options.base_options import ModelOptions
from options.flags import flag
from util import distributed
from util.errors import InputError

HELP = "see docs/migration.md, Python code"
# In the original code this class stands among the networks.
networks.GANLoss = GANLoss  # type: ignore[attr-defined]
LISTS = ("model_names", "loss_names", "visual_names")


class MissingOption(InputError, AttributeError):
    """An option that a model reads, and that models do not get here."""


class OriginalOptions(argparse.Namespace):
    """The original code's `opt`, as far as models have it here."""

    def __getattr__(self, name: str) -> Any:
        raise MissingOption(
            f"this model reads opt.{name}, which models do not get here: declare it in "
            f"modify_commandline_options, or port the model ({HELP})"
        )


class Optimizers(dict[str, torch.optim.Optimizer]):
    """Optimizers by number, to which one can be appended as to a list."""

    def append(self, optimizer: torch.optim.Optimizer) -> None:
        self[str(len(self))] = optimizer


class OriginalModel(BaseModel):
    """The base of adapted classes, before the class that was written for the original code.

    Networks compute in float32 and in one process, and test images must have sizes that they take.
    """

    original: ClassVar[Any]
    model_names: Sequence[str]
    loss_names: Sequence[str]
    visual_names: Sequence[str]
    set_input: Callable[[Batch], None]
    optimize_parameters: Callable[[], None]

    def __init__(self, options: ModelOptions, adam: Adam | None = None, seed: int = 0) -> None:
        name = self.original.__name__
        if distributed.is_active():
            raise InputError(f"{name} was written for the original code and trains in one process")
        rates = {"lr": adam.lr, "beta1": adam.beta1} if adam else {}
        # Data sets have applied the direction already.
        known = {"isTrain": adam is not None, "gpu_ids": [], "direction": "AtoB", **rates}
        opt = OriginalOptions(**{**vars(options), **known})
        self.__dict__ |= {"opt": opt, "isTrain": opt.isTrain, "gpu_ids": []}
        self.original.__init__(self, opt)
        self.options, self.seed = options, seed
        if missing := [kind for kind in LISTS if not hasattr(self, kind)]:
            raise InputError(f"{name} has no {', '.join(missing)}: {HELP}")
        self.pools = {k: pool for k, pool in vars(self).items() if isinstance(pool, ImagePool)}

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "optimizers":
            numbered = dict(value if isinstance(value, dict) else enumerate(value))
            value = Optimizers({str(number): one for number, one in numbered.items()})
        super().__setattr__(name, value)

    @property
    def device(self) -> torch.device:
        return self.execution.device

    def networks(self) -> dict[str, nn.Module]:
        return {name: getattr(self, f"net{name}") for name in self.model_names}

    def set_requires_grad(self, nets: Any, requires_grad: bool = False) -> None:
        for net in nets if isinstance(nets, (list, tuple)) else [nets]:
            net.requires_grad_(requires_grad)

    def train_step(self, batch: Batch) -> Step:
        self.set_input(batch)
        self.optimize_parameters()
        losses = {name: torch.as_tensor(getattr(self, f"loss_{name}")) for name in self.loss_names}
        return Step(losses, self._visuals())

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        self.set_input(batch)
        with torch.no_grad():
            self.forward()
        return self._visuals()

    def _visuals(self) -> dict[str, torch.Tensor]:
        return {name: getattr(self, name) for name in self.visual_names if hasattr(self, name)}


class FlagRecorder:
    """The `parser` of modify_commandline_options: keeps flags as fields, and changed defaults."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}

    def add_argument(self, name: str, **how: Any) -> None:
        action, default = how.get("action", "store"), how.get("default")
        if action.startswith("store_"):
            default = action == "store_false"
        elif default is None:
            default = how.get("type", str)()
        text = how.get("help") or "a flag of this model"
        self.flags[name.removeprefix("--")] = flag(default, text, choices=how.get("choices"))

    def set_defaults(self, **defaults: Any) -> None:
        self.defaults |= defaults


@cache
def adapt(original: Any) -> type[OriginalModel]:
    """Makes a model of ours of a class that was written for the original code.

    Raises: ValueError that names the methods that the class lacks.
    """
    needed = ("set_input", "forward", "optimize_parameters")
    own = {
        name for base in original.__mro__ if not issubclass(BaseModel, base) for name in vars(base)
    }
    if missing := [name for name in needed if name not in own]:
        raise ValueError(f"{original.__name__} has no {' and no '.join(missing)}: {HELP}")
    parser = FlagRecorder()
    if "modify_commandline_options" in own:
        original.modify_commandline_options(parser, True)
    types = {name: type(field.default) for name, field in parser.flags.items()}
    body = {"__annotations__": types, **parser.flags, "flag_defaults": parser.defaults}
    options: Any = type(f"{original.__name__}Options", (ModelOptions,), body)
    members = {"Options": dataclass(frozen=True)(options), "original": original}
    return type(original.__name__, (OriginalModel, original), members)
