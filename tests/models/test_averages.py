"""Moving averages of weights: what they are, and that they are saved, continued and tested."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from conftest import SMALL
from helpers.group import trainings
from helpers.runs import assert_same, content, run
from torch import nn
from torture.runs import Run, differences, fingerprint

import test as test_script
from models.engine.ema import Averages, decay_per_step
from util.checkpoints import files as checkpoint
from util.distributed.stop import STOPPED
from util.errors import InputError


def numbers(*values: float, decay: float) -> list[float]:
    """The averages while a weight takes these values."""
    network = nn.Linear(1, 1, bias=False)
    averages, found = Averages({"G": network}, decay), []
    for value in values:
        nn.init.constant_(network.weight, value)
        averages.update()
        found.append(averages.networks["G_ema"].weight.item())
    return found


def test_after_the_first_step_the_average_is_that_steps_weight() -> None:
    assert numbers(5.0, decay=0.999) == [5.0]


def test_an_older_step_counts_less_by_the_decay() -> None:
    assert numbers(4.0, 1.0, decay=0.5) == pytest.approx([4.0, (0.5 * 4 + 1) / 1.5])
    assert numbers(4.0, 1.0, 1.0, decay=0.5)[2] == pytest.approx((0.25 * 4 + 0.5 + 1) / 1.75)


def test_a_weight_that_stays_is_its_own_average() -> None:
    assert numbers(*[0.3] * 50, decay=0.99)[-1] == pytest.approx(0.3)


def test_statistics_are_averaged_and_counters_copied() -> None:
    network = nn.BatchNorm2d(1)
    averages = Averages({"G": network}, 0.5)
    for mean, count in ((2.0, 1), (8.0, 2)):
        network.running_mean.fill_(mean)
        network.num_batches_tracked.fill_(count)
        averages.update()
    average = averages.networks["G_ema"]
    assert average.running_mean.item() == pytest.approx((0.5 * 2 + 8) / 1.5)
    assert average.num_batches_tracked.item() == 2


def test_averages_change_nothing_of_what_is_learnt(paired, tmp_path) -> None:
    plain, averaged = run(paired, tmp_path, "a"), run(paired, tmp_path, "b", "--ema", "0.9")
    networks = content(averaged)["networks"]
    assert networks.keys() == {"G", "D", "G_ema"}
    assert not torch.equal(*(networks[name]["model.1.weight"] for name in ("G", "G_ema")))
    for name, weights in content(plain)["networks"].items():
        assert_same(networks[name], weights)


def test_a_run_with_averages_goes_on_bit_for_bit(paired, tmp_path) -> None:
    flags = ["--n_epochs", "3", "--ema", "0.9", "--print_freq", "1"]
    whole = run(paired, tmp_path, "whole", *flags)
    run(paired, tmp_path, "parts", *flags, "--n_epochs", "1")
    parts = run(paired, tmp_path, "parts", *flags, "--continue_train")
    assert_same(content(whole), content(parts))


def test_averages_can_be_switched_on_and_off_when_a_run_goes_on(paired, tmp_path) -> None:
    run(paired, tmp_path, "n")
    on = run(paired, tmp_path, "n", "--n_epochs", "2", "--ema", "0.9", "--continue_train")
    assert content(on)["stateful"]["averages"] == {"updates": 6}
    off = run(paired, tmp_path, "n", "--n_epochs", "3", "--ema", "0", "--continue_train")
    assert "G_ema" not in content(off)["networks"]


def test_averages_of_several_processes_are_the_same_and_go_on(unpaired, tmp_path) -> None:
    words = ["--dataroot", str(unpaired), "--model", "cycle_gan", "--netG", "resnet_6blocks"]
    words += ["--num_threads", "0", "--ema", "0.9"]
    whole = trainings(tmp_path / "whole", words)
    assert [run.wait() for run in whole] == [0, 0]
    stopped = trainings(tmp_path / "stopped", words)
    assert stopped[0].says(r"saving the model at the end of epoch 2")
    os.kill(stopped[1].process.pid, signal.SIGTERM)
    assert {run.wait() for run in stopped} == {STOPPED}
    going_on: list[Run] = trainings(tmp_path / "stopped", [*words, "--continue_train"])
    assert [run.wait() for run in going_on] == [0, 0]
    assert not differences(fingerprint(whole[0].folder), fingerprint(stopped[0].folder))


def test_averaged_weights_are_tested_beside_the_others(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--ema", "0.5")
    assert not torch.equal(
        checkpoint.load(folder / "latest_net_G.pth")["model.1.weight"],
        checkpoint.load(folder / "latest_net_G_ema.pth")["model.1.weight"],
    )
    words = ["--dataroot", str(paired), "--checkpoints_dir", str(tmp_path), "--name", "n", *SMALL]
    words += ["--model", "pix2pix", "--results_dir", str(tmp_path / "results")]
    assert test_script.main(words) == test_script.main([*words, "--use_ema"]) == 0
    plain, averaged = (
        (
            tmp_path / "results" / "n" / f"test_latest{end}" / "images" / "000_fake_B.png"
        ).read_bytes()
        for end in ("", "_ema")
    )
    assert plain != averaged
    with pytest.raises(InputError, match=r"latest_net_G_ema\.pth does not exist"):
        test_script.main([*words, "--use_ema", "--name", run(paired, tmp_path, "without").name])


def test_a_half_life_in_images_or_as_a_share_of_the_run_becomes_a_decay_per_step() -> None:
    assert decay_per_step(0.999, 4, 1000) == 0.999
    assert decay_per_step(500.0, 4, 10_000) ** (500 / 4) == pytest.approx(0.5)
    assert decay_per_step("5%", 4, 10_000) == decay_per_step(500.0, 4, 10_000)
    assert decay_per_step("5%", 1, 0) == 0.5  # nothing is known of the run: the shortest
