"""Continuing with the same or other flags, longer, elsewhere, and what cannot be continued."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from conftest import SMALL_TRAINING
from helpers.runs import content, run
from helpers.words import words

import train
from models.training.resume import resume
from models.training.setup import prepare_model
from options.train_options import TrainOptions
from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.errors import InputError
from util.training.progress import Progress


@pytest.fixture(scope="module")
def saved(paired: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(paired, tmp_path_factory.mktemp("runs"), "n")


@pytest.fixture
def finished(saved: Path, tmp_path: Path) -> Path:
    """A private folder with what a run of one epoch has left."""
    return Path(shutil.copytree(saved, tmp_path / "n"))


@dataclass
class Continued:
    """Where a continued run begins, and what it tells."""

    notes: list[str]
    progress: Progress


def continued(
    folder: Path, flags: str = "", model: str = "pix2pix", epoch_images: int = 6
) -> Continued:
    """What --continue_train makes of a folder before it trains."""
    where = words("--checkpoints_dir", folder.parent, "--name", folder.name)
    where += [] if (folder / "options.json").exists() else ["--dataroot", "D"]
    networks = words("--netG resnet_6blocks", *SMALL_TRAINING, "--model", model)
    options = TrainOptions.parse([*where, *networks, *words("--continue_train", flags)])
    progress = Progress()
    network, _ = prepare_model(options, torch.device("cpu"))
    return Continued(resume(network, progress, options, epoch_images).notes, progress)


def test_a_finished_run_says_so_and_can_be_extended(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(
        InputError, match=r"has finished its 1 epoch: to train longer, raise --n_epochs"
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


def test_another_precision_is_told_of_when_continuing(finished) -> None:
    same, other = ("\n".join(continued(finished, f"--n_epochs 2{flags}").notes) for flags in ("", " --precision bf16"))  # fmt: skip
    assert "note: --precision" not in same
    assert "note: --precision was fp32 when this run was saved, and is bf16" in other


def test_compiling_and_second_derivatives_do_not_go_together(paired, tmp_path) -> None:
    for flags, named in (("--gan_mode wgangp", "--gan_mode wgangp"), ("--r1 1", "--r1")):
        with pytest.raises(InputError, match=f"--compile does not work with {named}, whose"):
            run(paired, tmp_path, "n", f"--compile {flags}")


def test_published_generators_can_be_trained_on(finished) -> None:
    for name in ("latest_state.pth", "latest_net_D.pth", "options.json"):
        (finished / name).unlink()
    (note,) = continued(finished, "--n_epochs 2").notes
    assert "from the latest weights of G" in note
    assert "(D not found: fresh), with fresh optimizers, in epoch 1" in note


def test_a_run_that_saved_nothing_yet_starts_from_the_beginning(finished) -> None:
    new = finished.parent / "new"
    (note,) = continued(new).notes
    assert note.startswith(f"{new} holds no checkpoint yet: starting from the beginning (runs in")
    assert note.endswith("n)")  # in case the name was mistyped
    with pytest.raises(InputError, match=r"there is no folder .*/new; check --name"):
        continued(new, "--epoch 3")


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


def test_a_state_of_other_networks_is_refused(finished, capsys) -> None:
    with pytest.raises(SystemExit):
        continued(finished, "--n_epochs 2", model="cycle_gan")
    assert "was trained with --model pix2pix, not cycle_gan" in capsys.readouterr().err
    (finished / "options.json").unlink()
    with pytest.raises(InputError, match=r"lacks G_A: it was saved by another --model"):
        continued(finished, "--n_epochs 2", model="cycle_gan")
    with pytest.raises(InputError, match=r"G does not fit"):
        continued(finished, "--n_epochs 2 --ngf 8")


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


def test_a_chosen_epochs_weights_are_followed_by_the_next_epoch(finished) -> None:
    (note,) = continued(finished, "--n_epochs 3 --epoch 1").notes
    assert "with fresh optimizers, in epoch 2" in note


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


def test_continuing_with_the_same_flags_has_nothing_to_note(finished) -> None:
    state = checkpoint.load(finished / names.STATE_FILE)
    state["progress"] |= {"epoch": 1, "position": 0}
    checkpoint.save(finished / names.STATE_FILE, state)
    assert [note for note in continued(finished).notes if "was" in note] == []


def test_another_pytorch_or_another_number_of_threads_is_noted(finished) -> None:
    state = checkpoint.load(finished / names.STATE_FILE)
    state["versions"] |= {"torch": "1.0", "threads": 99}
    checkpoint.save(finished / names.STATE_FILE, state)
    notes = "\n".join(continued(finished, "--n_epochs 2").notes)
    assert f"torch was 1.0 and is {torch.__version__}: results may differ in the last bit" in notes
    assert "threads was 99 and is 1" in notes


def test_images_that_came_in_between_are_noted(finished) -> None:
    notes = continued(finished, "--n_epochs 2", epoch_images=8).notes
    assert "an epoch had 6 images when this run was saved, and has 8" in notes[-1]


def test_flags_that_cannot_fit_are_named(finished) -> None:
    with pytest.raises(InputError, match=r"this run was made with --ngf 4, not 8\n"):
        continued(finished, "--n_epochs 2 --ngf 8")


def test_epoch_count_wins_over_the_saved_state(finished) -> None:
    assert continued(finished, "--n_epochs 3 --epoch_count 3").progress.epoch == 3
    assert continued(finished, "--n_epochs 3").progress.epoch == 2


def test_the_line_on_continuing_names_the_epoch_that_was_asked_for(finished) -> None:
    first, *_ = continued(finished, "--n_epochs 4 --epoch_count 4").notes
    assert first == f"continuing {finished} after 6 images, in epoch 4"
    (finished / "latest_state.pth").unlink()
    first, *_ = continued(finished, "--n_epochs 4 --epoch_count 3").notes
    assert first.endswith("with fresh optimizers, in epoch 3")
