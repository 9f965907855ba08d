"""--precision: fewer bits inside networks, float32 outside, and steps that still learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from helpers.gpu import on_a_gpu
from torch.utils._python_dispatch import TorchDispatchMode

from models import Adam, Execution, create_model
from models.cycle_gan_model import CycleGANOptions
from models.engine.precision import Precision, select_precision
from models.pix2pix_model import Pix2PixOptions
from util.errors import InputError

CPU = torch.device("cpu")
BF16 = Precision("cpu", torch.bfloat16)
TINY = {"ngf": 4, "ndf": 4, "netG": "resnet_6blocks", "no_dropout": True}
MODELS = {"pix2pix": Pix2PixOptions(**TINY), "cycle_gan": CycleGANOptions(**TINY)}


def batch(device: str = "cpu") -> dict:
    generator = torch.Generator().manual_seed(0)
    images = {side: torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1 for side in "AB"}
    return {**{k: v.to(device) for k, v in images.items()}, "A_paths": ["a"], "B_paths": ["b"]}


def test_a_cpu_computes_in_float32_unless_told() -> None:
    for training in (True, False):
        assert select_precision("auto", CPU, training).dtype is None
    assert select_precision("fp32", CPU).dtype is None
    assert select_precision("bf16", CPU).dtype == torch.bfloat16


@pytest.mark.parametrize(("name", "device"), [("fp16", "cpu"), ("bf16", "mps"), ("fp16", "mps")])
def test_what_a_device_cannot_do_is_said(name, device) -> None:
    with pytest.raises(InputError, match=f"--precision {name} does not work .*{device}"):
        select_precision(name, torch.device(device))


@pytest.mark.parametrize("name", MODELS)
def test_bf16_stays_inside_the_networks(name) -> None:
    half = create_model(MODELS[name], adam=Adam(), execution=Execution(precision=BF16))
    full = create_model(MODELS[name], adam=Adam())
    seen: set[torch.dtype] = set()
    for network in half.networks().values():
        network.register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    step, exact = half.train_step(batch()), full.train_step(batch())
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in (*step.losses.values(), *step.visuals.values())} == {
        torch.float32
    }
    assert {weight.dtype for weight in half.parameters()} == {torch.float32}
    for loss, value in step.losses.items():
        assert value.item() == pytest.approx(exact.losses[loss].item(), rel=0.03, abs=0.02)
        assert value.item() != exact.losses[loss].item()


def test_a_network_tested_in_bf16_gives_nearly_the_same_image() -> None:
    model = create_model(MODELS["pix2pix"])
    exact = model.translate(batch())["fake_B"]
    model.prepare(Execution(precision=BF16))
    result = model.translate(batch())["fake_B"]
    assert result.dtype == torch.float32
    assert 0 < (result - exact).abs().max() < 0.02


class CastsOf(TorchDispatchMode):
    """Counts how often each of some tensors is cast to another type."""

    def __init__(self, tensors) -> None:
        super().__init__()
        self.names = {tensor.data_ptr(): name for name, tensor in tensors.items()}
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        copies = {torch.ops.aten._to_copy.default: 0, torch.ops.aten._foreach_copy_.default: 1}
        if function in copies:
            source = args[copies[function]]
            for tensor in source if isinstance(source, Sequence) else (source,):
                if tensor.data_ptr() in self.names:
                    self.counts[self.names[tensor.data_ptr()]] += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", MODELS)
def test_weights_can_be_cast_once_for_each_of_their_values(name) -> None:
    kept, plain = (
        create_model(
            MODELS[name], adam=Adam(), execution=Execution(precision=BF16, cast_once=cast_once)
        )
        for cast_once in (True, False)
    )
    weights = {n: p for n, p in kept.named_parameters() if p.dim() == 4}
    with CastsOf(weights) as casts:
        losses = kept.train_step(batch()).losses
    # A discriminator's are new, and not trained, where it judges for the generator.
    for weight in weights:
        assert casts.counts[weight] == (2 if weight.startswith("D") else 1), weight
    for loss, value in plain.train_step(batch()).losses.items():
        assert losses[loss].item() == value.item()


@on_a_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_learns_in_every_precision(name, precision) -> None:
    device = torch.device("cuda")
    model = create_model(
        MODELS[name],
        adam=Adam(),
        execution=Execution(device, select_precision(precision, device)),
    )
    on_cpu = create_model(MODELS[name], adam=Adam())
    for number in range(3):
        step, exact = model.train_step(batch("cuda")), on_cpu.train_step(batch())
        for loss, value in step.losses.items() if number == 0 else ():
            assert value.item() == pytest.approx(exact.losses[loss].item(), rel=0.05, abs=0.05)
    assert all(torch.isfinite(value) for value in step.losses.values())
