"""Precision of networks: fewer bits where that is faster (--precision)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from util.errors import InputError


@dataclass(frozen=True)
class Precision:
    """Arithmetic of networks; weights, optimizers, losses and sums inside norms stay in float32.

    Attributes:
        dtype: of convolutions' inputs and outputs, by PyTorch's autocast; None for that of the weights.
    """

    device_type: str = "cpu"
    dtype: torch.dtype | None = None

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device_type, self.dtype, enabled=self.dtype is not None)

    @property
    def scales_gradients(self) -> bool:
        """True for float16, which has too few exponents for small gradients."""
        return self.dtype == torch.float16

    def __str__(self) -> str:
        return {None: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[self.dtype]


def select_precision(name: str, device: torch.device, training: bool = True) -> Precision:
    """Chooses for a value of --precision; "auto" trains in bf16 on an NVIDIA GPU that has it, else all is fp32.

    Raises: InputError when the device cannot do it.
    """
    on_gpu = device.type == "cuda"
    bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    if name == "auto":
        name = "bf16" if bf16 and training else "fp32"
    if name == "fp32":
        return Precision(device.type)
    if name == "fp16" and on_gpu:
        return Precision(device.type, torch.float16)
    if name == "bf16" and (bf16 or device.type == "cpu"):
        return Precision(device.type, torch.bfloat16)
    found = torch.cuda.get_device_name(device) if on_gpu else device.type
    raise InputError(f"--precision {name} does not work on this device ({found}): use fp32")
