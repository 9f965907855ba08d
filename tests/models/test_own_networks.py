"""Generators and discriminators in files of a user's own, with flags of their own."""

from __future__ import annotations

import pytest
import torch
from helpers.option import fails, for_test, train
from helpers.runs import assert_same, content, run

import models.networks
import test as test_script
from models import create_model, load_translator
from options.model_options import Pix2PixOptions, model_options
from util.errors import InputError

TWINS = """
from dataclasses import dataclass
from torch import nn
from options.flags import flag

@dataclass(frozen=True)
class TwinOptions:
    twin_width: int = flag(3, "width of --netG twin")

    def __post_init__(self):
        if self.twin_width < 1:
            raise ValueError("--twin_width must be at least 1")

class TwinGenerator(nn.Sequential):
    Options = TwinOptions
    size_multiple = 8

    def __init__(self, input_nc, output_nc, ngf, *, norm, use_dropout, twin_width=3):
        super().__init__(nn.Conv2d(input_nc, twin_width, 1), nn.Conv2d(twin_width, output_nc, 1), nn.Tanh())

class TwinDiscriminator(nn.Sequential):
    smallest_input = 16

    def __init__(self, input_nc, ndf, *, norm):
        super().__init__(nn.Conv2d(input_nc, 1, 3))
"""


@pytest.fixture(autouse=True)
def twins(tmp_path, monkeypatch):
    folder = tmp_path / "networks"
    folder.mkdir()
    for kind in ("generator", "discriminator"):
        (folder / f"twin_{kind}.py").write_text(TWINS)
    monkeypatch.setattr(models.networks, "__path__", [*models.networks.__path__, str(folder)])


def test_a_network_is_found_by_its_file_and_its_flags_reach_it() -> None:
    words = ["--model", "pix2pix", "--netG", "twin", "--netD", "twin", "--twin_width", "5"]
    options = train(*words)
    model = create_model(options.model)
    assert model.G[0].out_channels == 5
    assert (model.size_multiple, model.options.lambda_L1) == (8, 100.0)
    assert options.values()["twin_width"] == 5
    assert create_model(Pix2PixOptions(netG="twin")).G[0].out_channels == 3
    assert model_options("pix2pix", "twin") is model_options("pix2pix", "twin")


def test_its_flags_are_checked_and_belong_to_it_alone(capsys) -> None:
    assert "--twin_width must be at least 1" in fails(
        capsys, "--model", "pix2pix", "--netG", "twin", "--twin_width", "0"
    )
    assert "--twin_width" in fails(capsys, "--model", "pix2pix", "--twin_width", "2")
    with pytest.raises(InputError, match=r"or write models/networks/<name>_generator\.py"):
        create_model(Pix2PixOptions(netG="twins"))


def test_a_run_with_it_continues_and_is_tested_and_translates_without_naming_it_again(
    paired, tmp_path
) -> None:
    first = ["--netG", "twin", "--netD", "twin", "--twin_width", "4"]
    folder = run(paired, tmp_path, "n", *first)
    assert content(folder)["networks"]["G"]["0.weight"].shape[0] == 4
    whole = run(paired, tmp_path, "whole", *first, "--n_epochs", "2")
    run(paired, tmp_path, "n", *first[:4], "--n_epochs", "2", "--continue_train")
    assert_same(content(folder)["networks"], content(whole)["networks"])
    where = ["--checkpoints_dir", str(tmp_path), "--name", "n"]
    tested = for_test("--model", "pix2pix", *where)
    assert (tested.model.netG, tested.model.twin_width) == ("twin", 4)
    words = ["--dataroot", str(paired), "--results_dir", str(tmp_path / "r"), "--gpu_ids", "-1"]
    assert test_script.main([*words, *where, "--model", "pix2pix"]) == 0
    result = load_translator(folder, device="cpu")(torch.zeros(3, 16, 16))
    assert result.shape == (3, 16, 16)
