"""The generator as an ONNX file for one size."""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path

import torch
from torch import nn

from models import convolutions
from models.translator import Translator
from util.errors import InputError

OPSET = 18


def write_onnx(translator: Translator, size: int, path: Path) -> None:
    """(1, input_nc, size, size) "input" -> (1, output_nc, size, size) "output", both float32 in [-1, 1]."""
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError("this needs the packages onnx and onnxscript: pip install onnx onnxscript") from None
    network = copy.deepcopy(translator.generator).cpu().float()
    for module in network.modules():
        for kind in ("Conv2d", "ConvTranspose2d"):
            if type(module) is getattr(convolutions, kind):
                module.__class__ = getattr(nn, kind)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    example = torch.zeros(1, translator.input_nc, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), str(path), input_names=["input"], output_names=["output"],
            opset_version=OPSET, dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
