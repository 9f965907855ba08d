"""Models by name. `create_model` builds one; `load_translator` makes a function of a trained one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from models.base_model import Adam, BaseModel, Step
from models.engine.execution import Execution
from options.base_options import ModelOptions
from options.model_options import MODELS, model_options
from options.registry import find_class
from util.errors import InputError
from util.position_seed import position_seed

if TYPE_CHECKING:
    from models.inference.translator import Translator, load_translator


def find_model(name: str) -> type[BaseModel]:
    """The model class of models/<name>_model.py. Raises: ValueError for an unknown name."""
    return find_class("models", "model", name, MODELS)


def adapted(found: type) -> type:
    """Returns a class that was written for the original code as a model of ours, and any other as it is."""
    if not hasattr(found, "optimize_parameters"):
        return found
    from models.training.original_api import adapt

    return adapt(found)


def create_model(
    options: ModelOptions,
    *,
    adam: Adam | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> BaseModel:
    """Builds the model that `options.model` names, or whose Options class `options` is, on its device.

    Args:
        adam: makes optimizers; None builds for inference alone.
        seed: the same seed gives the same initial weights.
        execution: device, precision and shortcuts; by default float32 on the CPU.
    Raises: InputError when the options do not fit each other.
    """
    execution = execution or Execution()
    model_class = find_model(options.model)
    if model_class.Options is not type(options):  # built in code: the class of the options decides
        candidates = [model_class, *(find_model(name) for name in MODELS)]
        by_class = (m for group in type(options).__mro__ for m in candidates if m.Options is group)
        model_class = next(by_class, model_class)
    if adam is not None:
        if model_class.train_step is BaseModel.train_step:
            raise InputError(
                f"{model_class.__name__} has no train_step, it only tests: train with --model pix2pix or cycle_gan"
            )
        fused = adam.fused and execution.device.type in ("cpu", "cuda")
        adam = replace(adam, fused=fused)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(position_seed(seed, "init"))
        try:
            model = model_class(options, adam, seed)
        except ValueError as error:
            raise InputError(str(error)) from None
    model.prepare(execution)
    return model


def __getattr__(name: str) -> Any:
    """Imports the translator on demand: training needs none of it."""
    if name in ("Translator", "load_translator"):
        from models.inference import translator

        return getattr(translator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "MODELS",
    "Adam",
    "BaseModel",
    "Execution",
    "Step",
    "Translator",
    "create_model",
    "find_model",
    "load_translator",
    "model_options",
]
