"""Continuing with the same or other flags, longer, elsewhere, and what cannot be continued."""

from __future__ import annotations

import re
import shutil

import pytest
import torch
from conftest import write_images
from helpers.runs import content, run
from helpers.words import words

import train
from util.checkpoints import files as checkpoint
from util.errors import InputError


def test_a_finished_run_says_so_and_can_be_extended(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(
        InputError, match=r"has finished its 1 epochs: to train longer, raise --n_epochs"
    ):
        run(paired, tmp_path, "n", "--continue_train")
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    assert "after 6 images, in epoch 2" in capsys.readouterr().out
    assert (tmp_path / "n/2_net_G.pth").exists()


def test_continuing_takes_over_the_runs_flags(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--ngf 6 --norm instance")
    line = words("--dataroot", paired, "--checkpoints_dir", tmp_path, "--name n")
    assert train.main(words(*line, "--continue_train --n_epochs 2")) == 0
    weights = checkpoint.load_weights(tmp_path / "n/2_net_G.pth")
    assert weights["model.1.weight"].shape[0] == 6


def test_another_precision_is_told_of_when_continuing(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    assert "precision: fp32; no CUDA graphs (" in capsys.readouterr().out
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    assert "note: --precision" not in capsys.readouterr().out
    run(paired, tmp_path, "n", "--continue_train --n_epochs 3 --precision bf16")
    assert (
        "note: --precision was fp32 when this run was saved, and is bf16" in capsys.readouterr().out
    )


def test_compiling_and_second_derivatives_do_not_go_together(paired, tmp_path) -> None:
    with pytest.raises(InputError, match="--compile does not go with --gan_mode wgangp"):
        run(paired, tmp_path, "n", "--compile --gan_mode wgangp")


def test_published_generators_can_be_trained_on(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n")
    for name in ("latest_state.pth", "latest_net_D.pth", "options.json"):
        (folder / name).unlink()
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    out = capsys.readouterr().out
    assert "from the latest weights of G" in out
    assert "(D not found: fresh), with fresh optimizers, in epoch 1" in out


def test_a_run_that_saved_nothing_yet_starts_from_the_beginning(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "other")
    run(paired, tmp_path, "n", "--continue_train --print_freq 1")
    out = capsys.readouterr().out
    assert f"{tmp_path}/n holds no checkpoint yet: starting from the beginning (runs in" in out
    assert "other)" in out  # in case the name was mistyped
    with pytest.raises(InputError, match=r"there is no folder .*/m; check --name"):
        run(paired, tmp_path, "m", "--continue_train --epoch 3")


def test_the_log_of_steps_taken_before_a_kill_and_again_after_it_has_them_once(
    paired, tmp_path
) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq 1")
    with open(folder / "loss_log.txt", "a") as log:
        log.write("(epoch: 2, iters: 3, time: 0.1, data: 0.1) G_GAN: 1.0\n")
    run(paired, tmp_path, "n", "--print_freq 1 --n_epochs 2 --continue_train")
    log = (folder / "loss_log.txt").read_text()
    assert re.findall(r"epoch: (\d), iters: (\d)", log) == [
        (epoch, iters) for epoch in "12" for iters in "123456"
    ]
    assert log.count("Training Loss") == 1
    assert log.count("Continued") == 1


def test_a_state_of_other_networks_is_refused(paired, unpaired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(SystemExit):
        run(unpaired, tmp_path, "n", "--continue_train --n_epochs 2", model="cycle_gan")
    assert "was trained with --model pix2pix, not cycle_gan" in capsys.readouterr().err
    (tmp_path / "n/options.json").unlink()
    with pytest.raises(InputError, match=r"lacks G_A: it was saved by another --model"):
        run(unpaired, tmp_path, "n", "--continue_train --n_epochs 2", model="cycle_gan")
    with pytest.raises(InputError, match=r"G does not fit"):
        run(paired, tmp_path, "n", "--continue_train --n_epochs 2 --ngf 8")


def test_a_copied_run_goes_on_in_its_copy(paired, tmp_path) -> None:
    run(paired, tmp_path / "one", "n")
    shutil.copytree(tmp_path / "one/n", tmp_path / "two/n")
    line = words("--checkpoints_dir", tmp_path / "two", "--name n --continue_train")
    assert train.main(words(*line, "--n_epochs 2")) == 0  # all else, the data too, is known
    assert (tmp_path / "two/n/2_net_G.pth").exists()
    assert not (tmp_path / "one/n/2_net_G.pth").exists()


def test_a_suffix_is_added_once(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--suffix {netG}")
    run(paired, tmp_path, "n", "--suffix {netG} --continue_train --n_epochs 2")
    assert (tmp_path / "n_resnet_6blocks/2_net_G.pth").exists()


def test_a_chosen_epochs_weights_are_followed_by_the_next_epoch(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs 2 --save_epoch_freq 1")
    run(paired, tmp_path, "n", "--n_epochs 3 --continue_train --epoch 1")
    assert "with fresh optimizers, in epoch 2" in capsys.readouterr().out


def test_a_flag_that_changes_the_run_is_told_of_and_acts(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", "--pool_size 4")
    run(
        paired, tmp_path, "n", "--continue_train --n_epochs 2 --lr 0.001 --beta1 0.9",
        "--pool_size 2 --num_threads 1 --print_freq 7",
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "note: --lr was 0.0002 when this run was saved, and is 0.001 from here on" in out
    assert set(re.findall(r"note: --(\w+) was", out)) == {"n_epochs", "lr", "beta1", "pool_size"}
    state = content(folder)
    assert state["stateful"]["optimizer_G"]["param_groups"][0]["betas"] == [0.9, 0.999]
    assert len(state["stateful"]["pool_AB"]["images"]) == 2


def test_continuing_with_the_same_flags_has_nothing_to_note(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs 2")
    state = checkpoint.load(tmp_path / "n" / checkpoint.STATE_FILE)
    state["progress"] |= {"epoch": 2, "position": 0}
    checkpoint.save(tmp_path / "n" / checkpoint.STATE_FILE, state)
    capsys.readouterr()
    run(paired, tmp_path, "n", "--n_epochs 2 --continue_train")
    assert "note" not in capsys.readouterr().out


def test_another_pytorch_or_another_number_of_threads_is_noted(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / checkpoint.STATE_FILE)
    state["versions"] |= {"torch": "1.0", "threads": 99}
    checkpoint.save(folder / checkpoint.STATE_FILE, state)
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    out = capsys.readouterr().out
    assert f"torch was 1.0 and is {torch.__version__}: results may differ in the last bit" in out
    assert "threads was 99 and is 1" in out


def test_images_that_came_in_between_are_noted(tmp_path, capsys) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 3, 32, 64)
    run(root, tmp_path, "n")
    write_images(root / "train", 2, 32, 64, start=3)
    run(root, tmp_path, "n", "--continue_train --n_epochs 2")
    assert "an epoch had 3 images when this run was saved, and has 5" in capsys.readouterr().out


def test_flags_that_cannot_fit_are_named(paired, tmp_path) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(InputError, match=r"this run was made with --ngf 4, not 8$"):
        run(paired, tmp_path, "n", "--continue_train --n_epochs 2 --ngf 8")


def test_epoch_count_wins_over_the_saved_state(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs 3")
    run(paired, tmp_path, "n", "--n_epochs 3 --continue_train --epoch_count 3")
    out = capsys.readouterr().out
    assert "End of epoch 3 / 3" in out.split("continuing")[1]
    assert "End of epoch 2 / 3" not in out.split("continuing")[1]
