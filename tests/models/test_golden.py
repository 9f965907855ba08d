"""Our networks and training steps compute what those of the original code compute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.closed_forms import fill, image
from helpers.gpu import DEVICES

from models import Adam, create_model
from models.cycle_gan_model import CycleGANOptions
from models.networks import define_D, define_G
from models.pix2pix_model import Pix2PixOptions

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/reference.json").read_text())


def name(record: dict[str, Any]) -> str:
    parts = [record.get(k) for k in ("model", "net", "norm", "mode", "nf")]
    if options := record.get("options"):
        parts += [options["netG"], options["direction"], options["gan_mode"]]
    return "-".join(str(part) for part in parts if part)


def network(record: dict[str, Any]) -> torch.nn.Module:
    if record["kind"] == "generator":
        return define_G(
            record["input_nc"], record["output_nc"], record["nf"], record["net"], record["norm"]
        )
    layers = record["n_layers"] or 3
    return define_D(record["input_nc"], record["nf"], record["net"], layers, record["norm"])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("record", GOLDEN["forward"], ids=name)
def test_network_has_the_keys_shapes_and_outputs_of_the_original_code(
    record: dict[str, Any], device: str
) -> None:
    net = network(record).double()
    state = net.state_dict()
    shapes = {key: list(value.shape) for key, value in state.items()}
    wanted = {key: list(shape) for key, shape in record["state_dict"].items()}
    extra = {key for key in shapes if key not in wanted}
    assert {key: shapes[key] for key in wanted} == wanted
    assert all(record["norm"] == "none" and key.endswith(".bias") for key in extra)
    if not extra:
        assert sum(p.numel() for p in net.parameters()) == record["n_params"]

    fill(net, wanted)
    net.train(record["mode"] == "train").to(device)
    with torch.no_grad():
        output = net(image(record["batch"], record["input_nc"], record["size"]).to(device))
    golden = record["output"]
    assert list(output.shape) == golden["shape"]
    assert output.mean().item() == pytest.approx(golden["mean"], rel=1e-9, abs=1e-12)
    assert output.std(correction=0).item() == pytest.approx(golden["std"], rel=1e-9)
    flat = output.flatten()
    for index, value in golden["samples"].items():
        assert flat[int(index)].item() == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("record", GOLDEN["training"], ids=name)
def test_four_training_steps_log_the_losses_of_the_original_code(
    record: dict[str, Any], device: str
) -> None:
    flags = dict(record["options"])
    direction, lr, beta1 = (flags.pop(key) for key in ("direction", "lr", "beta1"))
    group = Pix2PixOptions if record["model"] == "pix2pix" else CycleGANOptions
    model = create_model(group(model=record["model"], **flags), adam=Adam(lr, beta1)).double()
    for net in model.networks().values():
        fill(net, net.state_dict())
    model.to(device)

    for step, golden in enumerate(record["losses"]):
        A = image(record["batch"], 3, record["size"], 0.0, step)
        B = image(record["batch"], 3, record["size"], 1.3, step)
        if direction == "BtoA":  # which data sets apply
            A, B = B, A
        losses = model.train_step({"A": A.to(device), "B": B.to(device)}).losses
        assert list(losses) == list(golden)
        for key, value in golden.items():
            assert losses[key].item() == pytest.approx(value, rel=1e-6), (step, key)

    for key, golden in record["parameters_after"].items():
        parameters = [p.detach() for p in model.networks()[key].parameters()]
        assert sum(p.sum() for p in parameters).item() == pytest.approx(golden["sum"], rel=1e-6)
        total = sum(p.abs().sum() for p in parameters).item()
        assert total == pytest.approx(golden["abs_sum"], rel=1e-9)
