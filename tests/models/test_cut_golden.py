"""CUT's networks, losses and training steps compute what its published code computes (tests/golden/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.closed_forms import fill, image
from torch import nn

from models import Adam, create_model, cut_model
from models.losses import patch_nce_loss
from models.networks import define_D, define_G
from models.networks.patch_sampler import PatchMLP, encode, normalise_rows, pick_rows
from options.model_options import CUTOptions

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/cut.json").read_text())


def name(record: dict[str, Any]) -> str:
    parts = [record.get(k) for k in ("net", "norm", "mode", "nf", "size", "netF", "batch")]
    if "no_antialias" in record:
        parts.append("strided" if record["no_antialias"] else "antialias")
        parts.append("transposed" if record.get("no_antialias_up") else "")
    return "-".join(str(part) for part in parts if part)


def network(record: dict[str, Any]) -> nn.Module:
    if record["kind"] == "generator":
        return define_G(
            record["input_nc"],
            record["output_nc"],
            record["nf"],
            record["net"],
            record["norm"],
            antialias=not record["no_antialias"],
            antialias_up=not record["no_antialias_up"],
        )
    if record["kind"] == "projection":
        G = network(record["of"])
        layers = [encode(G.encoder(), torch.zeros(1, 3, 16, 16), record["nce_layers"])[0]]
        return PatchMLP([one.shape[1] for one in layers[0]], record["netF_nc"])
    layers = record["n_layers"] or 3
    return define_D(
        record["input_nc"],
        record["nf"],
        record["net"],
        layers,
        record["norm"],
        antialias=not record["no_antialias"],
    )


def assert_numbers(found: torch.Tensor, golden: dict[str, Any]) -> None:
    """Shape, mean, standard deviation and single elements."""
    assert list(found.shape) == golden["shape"]
    scale = golden["std"]
    assert found.mean().item() == pytest.approx(golden["mean"], rel=1e-6, abs=1e-9 * scale)
    assert found.std(correction=0).item() == pytest.approx(scale, rel=1e-6)
    flat = found.flatten()
    for index, value in golden["samples"].items():
        assert flat[int(index)].item() == pytest.approx(value, rel=1e-6, abs=1e-9 * scale)


def assert_state(net: nn.Module, record: dict[str, Any]) -> None:
    """Keys and shapes; ours have biases with norm none, theirs not."""
    shapes = {key: list(value.shape) for key, value in net.state_dict().items()}
    wanted = record["state_dict"]
    extra = shapes.keys() - wanted.keys()
    assert {key: shapes[key] for key in wanted} == wanted
    assert all(record.get("norm") == "none" and key.endswith(".bias") for key in extra)
    if not extra:
        assert sum(p.numel() for p in net.parameters()) == record["n_params"]


@pytest.mark.parametrize("record", GOLDEN["forward"], ids=name)
def test_a_network_has_the_keys_outputs_and_features(record: dict[str, Any]) -> None:
    net = network(record).double()
    assert_state(net, record)
    fill(net, record["state_dict"])
    net.train(record["mode"] == "train")
    x = image(record["batch"], record["input_nc"], record["size"])
    with torch.no_grad():
        assert_numbers(net(x), record["output"])
        if "features" not in record:
            return
        fill(net, record["state_dict"])  # statistics have moved
        features, _ = encode(net.encoder(), x, record["nce_layers"])
    for found, golden in zip(features, record["features"], strict=True):
        assert_numbers(found, golden)


@pytest.mark.parametrize("record", GOLDEN["full_size"], ids=name)
def test_a_network_of_full_width_has_the_keys(record: dict[str, Any]) -> None:
    with torch.device("meta"):
        net = network(record)
        assert_state(net, record)
        assert sum(value.numel() for value in net.buffers()) == record["n_buffered"]


@pytest.mark.parametrize("record", [r for r in GOLDEN["full_size"] if r.get("size")], ids=name)
def test_a_network_of_full_width_has_the_output(record: dict[str, Any]) -> None:
    net = network(record).double().eval()
    fill(net, record["state_dict"])
    with torch.no_grad():
        assert_numbers(net(image(1, 3, record["size"])), record["output"])


def test_filters_are_binomial() -> None:
    G = define_G(3, 3, 2, "resnet_6blocks", "instance", antialias=True, antialias_up=True)
    for key, golden in (("model.7.filt", "down"), ("model.18.filt", "up")):
        wanted = torch.tensor(GOLDEN["filters"][golden])
        for channel in G.state_dict()[key]:
            assert torch.equal(channel[0], wanted)


@pytest.mark.parametrize("record", GOLDEN["netF"], ids=name)
def test_patches_are_projected(record: dict[str, Any]) -> None:
    maps = [
        image(record["batch"], channels, size, record["phase"], number)
        for number, (channels, *size) in enumerate(record["maps"])
    ]
    ids = [torch.tensor(one) for one in record["patch_ids"]]
    rows = [pick_rows(one, where) for one, where in zip(maps, ids, strict=True)]
    if record["netF"] == "mlp_sample":
        F = PatchMLP([len(one[0]) for one in maps], record["netF_nc"]).double()
        assert_state(F, record)
        fill(F, record["state_dict"])
        rows, normalised = F.project(rows), F(rows)
    else:
        normalised = [normalise_rows(one) for one in rows]
    for number in range(len(maps)):
        assert_numbers(rows[number].flatten(0, 1), record["before_norm"][number])
        assert_numbers(normalised[number].flatten(0, 1), record["normalised"][number])


@pytest.mark.parametrize("record", GOLDEN["patchnce"], ids=name)
def test_patchnce_and_its_gradient(record: dict[str, Any]) -> None:
    batch, positions, dim = record["batch"], record["positions"], record["dim"]
    j = torch.arange(batch * positions * dim, dtype=torch.float64)
    q, k = (
        normalise_rows(torch.sin(w["i"] * j + w["ii"] * j**2 + w["p"]).view(-1, dim))
        for w in (record["q"], record["k"])
    )
    groups = 1 if record["nce_includes_all_negatives_from_minibatch"] else batch
    q.requires_grad_()
    k.requires_grad_()
    loss = patch_nce_loss(
        q.view(groups, -1, dim), k.view(groups, -1, dim), temperature=record["nce_T"]
    )
    assert loss.item() == pytest.approx(record["loss"], rel=1e-6)
    assert sum(record["losses"]) / len(record["losses"]) == pytest.approx(loss.item(), rel=1e-6)
    loss.backward()
    assert_numbers(q.grad, record["gradient_q"])
    assert k.grad is None


def training_name(record: dict[str, Any]) -> str:
    return record["flags"].partition("--CUT_mode ")[2].replace(" --", "-").replace(" ", "_")


@pytest.mark.parametrize("record", GOLDEN["training"], ids=training_name)
def test_four_steps_log_the_losses_and_end_with_the_weights(record, monkeypatch) -> None:
    flags = dict(record["options"])
    direction, batch_size = flags.pop("direction"), flags.pop("batch_size")
    adam = Adam(flags.pop("lr"), flags.pop("beta1"), beta2=flags.pop("beta2"))
    flags["norm"] = flags.pop("normG")
    options = CUTOptions(**flags)
    model = create_model(options, adam=adam).double()
    for net in model.networks().values():
        fill(net, net.state_dict())

    for t, golden in enumerate(record["losses"]):
        steer(monkeypatch, record, t)
        A = image(batch_size, 3, record["size"], GOLDEN["closed_form"]["phase_A"], t)
        B = image(batch_size, 3, record["size"], GOLDEN["closed_form"]["phase_B"], t)
        if direction == "BtoA":  # which data sets apply
            A, B = B, A
        losses = model.train_step({"A": A, "B": B}).losses
        assert list(losses) == list(golden)
        for key, value in golden.items():
            assert losses[key].item() == pytest.approx(value, rel=1e-6), (t, key)

    for name, golden in record["parameters_after"].items():
        named = sorted(model.networks()[name].named_parameters())
        assert sum(p.numel() for _, p in named) == golden["count"]
        weights = torch.cat([p.detach().flatten() for _, p in named if p.dim() > 1])
        assert_numbers(weights, {"shape": [golden["weights"]], **golden})


def steer(monkeypatch, record: dict[str, Any], t: int) -> None:
    """Has the step draw what was drawn when the numbers were recorded."""
    if record["patch_ids"] != "all":
        drawn = iter([torch.tensor(ids) for call in record["patch_ids"][t] for ids in call])
        monkeypatch.setattr(cut_model, "draw_positions", lambda *_: next(drawn))
    if record["flip"]:
        monkeypatch.setattr(cut_model, "draw_flip", lambda: record["flip"][t])
