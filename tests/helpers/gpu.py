"""What only an NVIDIA GPU can show."""

from __future__ import annotations

import pytest
import torch

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

# For tests that mean the same on every device.
DEVICES = ["cpu", pytest.param("cuda", marks=on_a_gpu)]
