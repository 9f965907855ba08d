"""Weights files, ours and others': what they were made with, and what does not fit."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from models import load_translator
from models.networks import GENERATORS, define_G
from models.networks.weights import describe_generator, load_network
from util.checkpoints import files as checkpoint
from util.errors import InputError


def save(path: Path, network: torch.nn.Module) -> Path:
    checkpoint.save(path, network.state_dict())
    return path


@pytest.mark.parametrize("netG", [g for g in GENERATORS if not g.endswith(("512", "1024"))])
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("dropout", [True, False])
def test_a_weights_file_tells_what_it_was_made_with(netG, norm, dropout) -> None:
    found = describe_generator(define_G(2, 4, 3, netG, norm, dropout).state_dict())
    expected = {"netG": netG, "norm": norm, "ngf": 3, "input_nc": 2, "output_nc": 4}
    expected["upsample"] = "transposed"
    if netG.startswith("resnet"):
        expected |= {"no_dropout": not dropout, "no_antialias": True, "no_antialias_up": True}
    assert found == expected


@pytest.mark.parametrize("netG", ["resnet_9blocks", "resnet_6blocks"])
@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("dropout", [True, False])
def test_a_weights_file_of_cut_tells_where_it_is_anti_aliased(netG, down, up, dropout) -> None:
    G = define_G(3, 1, 2, netG, "instance", dropout, antialias=down, antialias_up=up)
    found = describe_generator(G.state_dict())
    assert (found["no_antialias"], found["no_antialias_up"]) == (not down, not up)
    assert (found["no_dropout"], found["netG"], found["output_nc"]) == (not dropout, netG, 1)


@pytest.mark.parametrize("key", ["fc.weight", "model.model.0.weight", "model.1.weight"])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3, 4, 4)])
def test_weights_of_something_else_tell_nothing(key, shape) -> None:
    weights = {key: torch.zeros(shape), "model.10.conv_block.1.x": torch.zeros(shape)}
    assert describe_generator(weights) == {}


def test_statistics_of_instance_norm_in_published_files_are_dropped(tmp_path) -> None:
    G = define_G(3, 3, 2, "resnet_6blocks", "instance")
    state = G.state_dict()
    for index in (2, 5, 8):
        state[f"model.{index}.running_mean"] = torch.zeros(2)
        state[f"model.{index}.running_var"] = torch.ones(2)
        state[f"model.{index}.num_batches_tracked"] = torch.tensor(1)
    checkpoint.save(tmp_path / "G.pth", state)
    load_network(define_G(3, 3, 2, "resnet_6blocks", "instance"), tmp_path / "G.pth")


def test_biases_missing_under_norm_none_are_zero(tmp_path) -> None:
    G = define_G(3, 3, 2, "resnet_6blocks", "none")
    last = "model.23.bias"
    bare = {k: v for k, v in G.state_dict().items() if not k.endswith(".bias") or k == last}
    checkpoint.save(tmp_path / "G.pth", bare)
    other = define_G(3, 3, 2, "resnet_6blocks", "none")
    torch.nn.init.ones_(other.model[1].bias)
    load_network(other, tmp_path / "G.pth")
    assert other.model[1].bias.abs().max() == 0


@pytest.mark.parametrize("prefix", ["module.", "netG._orig_mod.module.", "netG_A."])
def test_prefixes_of_wrapped_networks_are_taken_off(tmp_path, prefix) -> None:
    G = define_G(3, 3, 2, "unet_64")
    checkpoint.save(tmp_path / "G.pth", {f"{prefix}{k}": v for k, v in G.state_dict().items()})
    other = define_G(3, 3, 2, "unet_64")
    load_network(other, tmp_path / "G.pth")
    assert torch.equal(next(G.parameters()), next(other.parameters()))


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        ({"use_dropout": True}, "--dropout"),
        ({"antialias": True}, "--antialias"),
        ({"norm": "batch"}, "--norm batch"),
        ({"netG": "resnet_9blocks"}, "--netG resnet_9blocks (not resnet_6blocks)"),
        ({"netG": "unet_64"}, "--netG unet_64"),
        ({"netG": "unet_128", "norm": "batch"}, "--netG unet_128"),
        ({"ngf": 4}, "--ngf 4 (not 2)"),
        ({"input_nc": 1}, "--input_nc 1 (not 3)"),
    ],
)
def test_a_misfit_names_the_flag_to_change(tmp_path, flags, advice) -> None:
    usual = {"input_nc": 3, "output_nc": 3, "ngf": 2, "netG": "resnet_6blocks", "norm": "instance"}
    path = save(tmp_path / "G.pth", define_G(**{**usual, **flags}))
    with pytest.raises(InputError) as error:
        load_network(define_G(**usual), path)
    assert advice in str(error.value)
    assert str(path) in str(error.value)


def test_missing_files_say_what_is_there_instead(tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder .*; check --name"):
        checkpoint.load(tmp_path / "nowhere/latest_net_G.pth")
    with pytest.raises(InputError, match="holds no"):
        checkpoint.load(tmp_path / "latest_net_G.pth")
    save(tmp_path / "latest_net_G_A.pth", define_G(3, 3, 2, "unet_64"))
    with pytest.raises(InputError, match=r"found latest_net_G_A\.pth: check --epoch"):
        checkpoint.load(tmp_path / "latest_net_G.pth")


class RunsCode:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_code_is_refused_without_running_it(tmp_path) -> None:
    trap = tmp_path / "trap"
    torch.save({"model.1.weight": RunsCode(trap)}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(RunsCode(trap)))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(InputError, match="refused|damaged"):
            checkpoint.load(tmp_path / name)
    assert not trap.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 2000])
def test_a_truncated_file_is_named(tmp_path, keep) -> None:
    path = save(tmp_path / "G.pth", define_G(3, 3, 2, "unet_64"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"G\.pth"):
        checkpoint.load_weights(path)


def test_a_file_of_something_else_is_named(tmp_path) -> None:
    for content in ([1, 2], {"epoch": 3}, torch.zeros(3)):
        checkpoint.save(tmp_path / "G.pth", content)
        with pytest.raises(InputError, match="holds no network weights"):
            checkpoint.load_weights(tmp_path / "G.pth")


def test_a_failed_save_leaves_the_old_file(tmp_path) -> None:
    path = tmp_path / "G.pth"
    checkpoint.save(path, {"a": torch.zeros(1)})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        checkpoint.save(path, {"a": lambda: None})
    assert checkpoint.load(path) == {"a": torch.zeros(1)}
    assert [file.name for file in tmp_path.iterdir()] == ["G.pth"]


def test_saved_tensors_lie_on_the_cpu_and_are_a_copy_of_nothing_else(tmp_path) -> None:
    large = torch.zeros(1000, 1000)
    checkpoint.save(tmp_path / "a.pth", {"slice": large[:1, :10]})
    assert (tmp_path / "a.pth").stat().st_size < 10_000


def test_shapes_that_ask_for_gigabytes_are_refused_before_a_network_is_built(tmp_path) -> None:
    """A resnet of 4,000 filters has 90 GB; the file claims it by its first layer and has nothing of the rest."""
    weights = define_G(3, 3, 2, "resnet_6blocks", "instance").state_dict()
    weights["model.1.weight"] = torch.zeros(4000, 3, 1, 1)
    checkpoint.save(tmp_path / "n/latest_net_G.pth", weights)
    with pytest.raises(InputError, match="does not fit this network"):
        load_translator(tmp_path / "n", device="cpu")
