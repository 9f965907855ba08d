"""Recorded steps: they do what ordinary steps do, or are given up."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace

import pytest
import torch
from helpers.gpu import on_a_gpu
from helpers.recorder import Rerun

from models import Adam, Execution, create_model
from models.cycle_gan_model import CycleGANOptions
from models.engine.cuda_graphs import Graphs
from models.engine.precision import Precision
from models.networks.fused.layers import Fusion
from models.pix2pix_model import Pix2PixOptions
from options.model_options import CUTOptions, FastCUTOptions

GPU = torch.device("cuda")
TINY = {"ngf": 2, "ndf": 2, "netG": "resnet_6blocks"}
CYCLE_GAN = CycleGANOptions(**TINY, pool_size=2, no_dropout=False)
PIX2PIX = Pix2PixOptions(**TINY, no_dropout=False)
CUT = CUTOptions(**TINY, netF_nc=4, num_patches=16)
PARTS = {"r1": 1.0, "r1_interval": 2, "spectral_norm": True, "lr_D": 1e-4, "normD": "none"}
WITH_PARTS = Pix2PixOptions(**TINY, **PARTS, diffaugment="color,translation,cutout")
PROJECTED = CycleGANOptions(**TINY, netD="projected", no_dropout=True)
FAST_CUT = FastCUTOptions(**TINY, netF_nc=4, num_patches=16)
SIZES = [(1, 32), (1, 32), (1, 36), (1, 32), (1, 32), (1, 32), (2, 32), (1, 32), (1, 32)]


class Forgetful(Rerun):
    """Repeats nothing."""

    def replay(self) -> None:
        pass


class WithoutUpdates(Rerun):
    """Gives the outputs without changing weights: what a step missing from the recording would do."""

    def replay(self) -> None:
        weights = copy.deepcopy(self.model.state_dict())
        super().replay()
        self.model.load_state_dict(weights)


class Refusing(Rerun):
    def record(self, function):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


def batches(device: str = "cpu"):
    generator = torch.Generator().manual_seed(0)
    for n, side in SIZES:
        A, B = (torch.rand(n, 3, side, side, generator=generator) * 2 - 1 for _ in range(2))
        yield {"A": A.to(device), "B": B.to(device), "A_paths": ["a"] * n, "B_paths": ["b"] * n}


def trained(model, device: str = "cpu", rate: float = 1e-3) -> tuple[dict, list]:
    """Weights at the end, and all losses and images on the way."""
    seen = []
    for number, batch in enumerate(batches(device)):
        torch.manual_seed(number)
        model.set_learning_rate(rate * (number + 1))
        step = model.train_step(batch)
        seen.append({**step.losses, **{f"image {k}": v for k, v in step.visuals.items()}})
    return model.state_dict(), seen


def assert_equal(one, other) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    "options", [CYCLE_GAN, PIX2PIX, WITH_PARTS], ids=["cycle_gan", "pix2pix", "parts of D"]
)
def test_recorded_steps_train_as_others_do(options, caplog) -> None:
    model = create_model(options, adam=Adam())
    model.graphs = Graphs(model, lambda: Rerun(model))
    assert_equal(trained(model), trained(create_model(options, adam=Adam())))
    assert model.graphs.works
    assert not caplog.records


@pytest.mark.parametrize("recorder", [Forgetful, WithoutUpdates, Refusing])
@pytest.mark.parametrize("options", [CYCLE_GAN, PIX2PIX], ids=["cycle_gan", "pix2pix"])
def test_a_recording_that_does_something_else_is_given_up_and_leaves_no_trace(
    options, recorder, caplog
) -> None:
    model = create_model(options, adam=Adam())
    model.graphs = Graphs(model, lambda: recorder(model))
    with caplog.at_level(logging.WARNING):
        result = trained(model)
    assert_equal(result, trained(create_model(options, adam=Adam())))
    assert not model.graphs.works
    (warning,) = [record.getMessage() for record in caplog.records]
    reason = {
        Forgetful: "the recording gives another fake_B",
        WithoutUpdates: "the recording changes weights in another way, by 100%",
        Refusing: "operation not permitted when stream is capturing",
    }
    assert warning.startswith(
        f"steps are not recorded as CUDA graphs, which is slower: {reason[recorder]}"
    )


def test_what_a_step_gave_stays_when_the_next_is_repeated() -> None:
    model = create_model(PIX2PIX, adam=Adam())
    model.graphs = Graphs(model, lambda: Rerun(model))
    _, seen = trained(model)
    assert len({float(step["G_L1"]) for step in seen}) == len(SIZES)


def test_models_say_what_keeps_their_steps_from_being_recorded() -> None:
    def reason(options) -> str:
        return create_model(options, adam=Adam()).why_not_recorded()

    assert reason(CYCLE_GAN) == reason(PIX2PIX) == ""
    assert "wgangp" in reason(CycleGANOptions(**TINY, gan_mode="wgangp"))
    assert "--pool_size" in reason(Pix2PixOptions(**TINY, pool_size=4))


class OwnStep(type(create_model(PIX2PIX))):
    """A user's subclass, whose step may do anything."""


def test_a_subclass_has_to_say_itself_that_its_steps_can_be_recorded() -> None:
    reason = OwnStep(PIX2PIX, Adam()).why_not_recorded()
    assert reason == "OwnStep does not say that its steps can be"


@pytest.fixture
def repeatable(monkeypatch):
    """Convolutions in full float32, the same every time."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


@on_a_gpu
@pytest.mark.parametrize(
    "options",
    [CYCLE_GAN, PIX2PIX, CUT, FAST_CUT, WITH_PARTS, PROJECTED],
    ids=["cycle_gan", "pix2pix", "cut", "fastcut", "parts of D", "projected D"],
)
def test_cuda_graphs_train_as_ordinary_steps_do(options, repeatable) -> None:
    model = create_model(options, adam=Adam(), execution=Execution(GPU, cuda_graphs=True))
    plain = create_model(options, adam=Adam(), execution=Execution(GPU))
    _, seen = trained(model, "cuda", rate=1e-5)
    _, wanted = trained(plain, "cuda", rate=1e-5)
    assert model.graphs.works
    for step, other in zip(seen, wanted, strict=True):
        for name in other:
            torch.testing.assert_close(step[name], other[name], rtol=0.05, atol=0.05)


@on_a_gpu
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("options", [CYCLE_GAN, PIX2PIX], ids=["cycle_gan", "pix2pix"])
def test_fused_and_parallel_steps_give_the_same_bits_every_time(options, dtype, repeatable) -> None:
    def train(options) -> tuple[dict, list]:
        execution = Execution(
            GPU, Precision("cuda", dtype), cuda_graphs=True, two_streams=True, cast_once=True
        )
        model = create_model(options, adam=Adam(), execution=execution)
        for network in model.networks().values():
            network.fusion = Fusion()
        result = trained(model, "cuda", rate=1e-5)
        assert model.graphs.works
        return result

    (weights, seen), (weights_again, seen_again) = train(options), train(options)
    assert_equal(weights, weights_again)
    assert_equal(seen, seen_again)
    certain = replace(options, no_dropout=True)  # streams and orders of memory draw others
    _, seen = train(certain)
    plain = create_model(certain, adam=Adam(), execution=Execution(GPU))
    _, wanted = trained(plain, "cuda", rate=1e-5)
    for step, other in zip(seen[:3], wanted, strict=False):
        for name in step.keys() - {"D_gp"}:
            torch.testing.assert_close(step[name].mean(), other[name].mean(), rtol=0.05, atol=0.05)


@on_a_gpu
def test_a_gpu_trains_on_after_a_recording_that_failed(monkeypatch, repeatable) -> None:
    model = create_model(PIX2PIX, adam=Adam(), execution=Execution(GPU, cuda_graphs=True))
    descend = model.descend

    def looks(name: str, loss: torch.Tensor) -> None:
        descend(name, loss)
        loss.item()  # which a recording cannot

    monkeypatch.setattr(model, "descend", looks)
    _, seen = trained(model, "cuda", rate=1e-5)
    assert not model.graphs.works
    assert all(torch.isfinite(step["G_L1"]) for step in seen)
