"""Losses and helper networks that a user's model adds: named once, trained on, logged, and saved only where they learn."""

from __future__ import annotations

import pytest
import torch
from helpers.model import TINY, batch
from helpers.runs import run
from helpers.training_page import read_training_page
from torch import nn

import models
from models import Adam
from models.base_model import BaseModel, Step
from models.cycle_gan_model import CycleGANModel
from models.pix2pix_model import Pix2PixModel
from options.model_options import CycleGANOptions, Pix2PixOptions
from util.logs.records import FILE, read_record

MODEL = """
from torch import nn
from models.pix2pix_model import Pix2PixModel

class BrightModel(Pix2PixModel):
    def __init__(self, options, adam=None, seed=0):
        super().__init__(options, adam, seed)
        if adam:
            self.frozen_networks["edges"] = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Dropout())

    def extra_losses(self, images):
        edges = self.frozen_networks["edges"]
        return {"G_edges": 5 * (edges(images["fake_B"]) - edges(images["real_B"])).abs().mean()}
"""


class Brighter(Pix2PixModel):
    def extra_losses(self, images):
        return {"G_bright": 1000 * (1 - images["fake_B"]).mean()}


class BrighterCycle(CycleGANModel):
    def extra_losses(self, images):
        return {"bright": 1000 * (1 - images["fake_B"]).mean()}


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        (Brighter, Pix2PixOptions(**TINY), "G_bright"),
        (BrighterCycle, CycleGANOptions(**TINY), "bright"),
    ],
)
def test_a_loss_that_a_subclass_adds_is_learned_and_logged_after_ours(kind, options, name) -> None:
    fast = Adam(lr=0.01)
    plain, brighter = kind.__bases__[0](options, fast), kind(options, fast)
    brighter.load_state_dict(plain.state_dict())
    for _ in range(5):
        expected, step = plain.train_step(batch()), brighter.train_step(batch())
    ours = [*expected.losses]
    assert [*step.losses] == ([*ours[:2], name, *ours[2:]] if kind is Brighter else [*ours, name])
    assert step.visuals["fake_B"].mean() > expected.visuals["fake_B"].mean() + 0.1


def test_losses_given_to_descend_by_name_are_summed() -> None:
    class Two(BaseModel):
        def __init__(self, options, adam=None, seed=0):
            super().__init__(options, adam, seed)
            self.G = self.build_G(3, 3)
            self.optimizers = {"G": adam(self.G)}

        def translate(self, batch):
            return {}

        def learn(self, by_name: bool) -> Step:
            made = self.run(self.G, batch()["A"])
            losses = {"bright": made.mean(), "flat": 3 * made.square().mean()}
            self.descend("G", losses if by_name else losses["bright"] + losses["flat"])
            return Step(losses, {"fake_B": made})

    one, other = (Two(Pix2PixOptions(**TINY, no_dropout=True), Adam()) for _ in range(2))
    other.load_state_dict(one.state_dict())
    step = one.learn(True)
    assert not any(value.requires_grad for value in (*step.losses.values(), *step.visuals.values()))
    other.learn(False)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_frozen_network_moves_with_the_model_and_is_no_network_of_it() -> None:
    model = Pix2PixModel(Pix2PixOptions(**TINY), Adam())
    helper = model.frozen_networks["helper"] = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout())
    model.train().double()
    assert helper[0].weight.dtype == torch.float64
    assert not helper[0].weight.requires_grad
    assert not helper.training
    assert model.training
    assert set(model.networks()) == set(model.saved_networks()) == {"G", "D"}


def test_a_whole_run_logs_an_added_loss_everywhere_and_does_not_save_its_frozen_network(
    paired, tmp_path, monkeypatch
) -> None:
    (tmp_path / "bright_model.py").write_text(MODEL)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    folder = run(paired, tmp_path, "n", "--print_freq 3", model="bright")
    assert {file.name.split("_net_")[1] for file in folder.glob("*_net_*")} == {"G.pth", "D.pth"}
    logged = [values["G_edges"] for _, values in read_record(folder / FILE).losses]
    assert len(logged) == 2
    assert min(logged) > 0
    assert (folder / "loss_log.txt").read_text().count(" G_edges: ") == 2
    assert len(read_training_page(folder / "web").losses("G_edges")) == 2
    run(paired, tmp_path, "n", "--n_epochs 2 --continue_train", model="bright")
