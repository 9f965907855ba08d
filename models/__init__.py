"""Models by name. `create_model` builds one; `load_translator` makes a function of a trained one."""

from models.base_model import Adam, BaseModel, Step
from models.creating import MODELS, create_model, find_model, model_options, place
from models.translator import Translator, load_translator

__all__ = [
    "MODELS",
    "Adam",
    "BaseModel",
    "Step",
    "Translator",
    "create_model",
    "find_model",
    "load_translator",
    "model_options",
    "place",
]
