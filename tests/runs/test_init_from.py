"""New runs that start from somebody's weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from helpers import option
from helpers.runs import assert_same, content, run
from helpers.translator import bare
from helpers.words import words

from models import create_model
from models.training.resume import init_from
from util.checkpoints import files as checkpoint
from util.errors import InputError


def test_a_new_run_starts_from_a_folder_of_weights(paired, tmp_path, capsys) -> None:
    no_statistics = words("--norm instance")  # which change even where nothing is learnt
    old = run(paired, tmp_path, "old", *no_statistics)
    start = words("--init_from", old, "--lr 0 --seed 5")
    new = run(paired, tmp_path, "new", *start, *no_statistics)
    assert_same(
        checkpoint.load(new / "latest_net_G.pth"), checkpoint.load(old / "latest_net_G.pth")
    )
    out = capsys.readouterr().out
    assert f"network D starts from {old / 'latest_net_D.pth'}" in out
    assert content(new)["progress"]["run_images"] == 6


def test_a_new_run_starts_from_a_published_generator(paired, unpaired, tmp_path, capsys) -> None:
    folder = run(unpaired, tmp_path, "old", model="cycle_gan")
    published = tmp_path / "horse2zebra.pth"
    shutil.copy(folder / "latest_net_G_A.pth", published)
    new = run(unpaired, tmp_path, "new", "--init_from", str(published), "--lr 0", model="cycle_gan")
    assert_same(checkpoint.load(new / "latest_net_G_A.pth"), checkpoint.load(published))
    assert "network G_B, D_A, D_B: fresh" in capsys.readouterr().out

    (tmp_path / "web").mkdir()
    shutil.copy(published, tmp_path / "web/latest_net_G.pth")
    new = run(unpaired, tmp_path, "web2", "--init_from", str(tmp_path / "web"), "--lr 0", model="cycle_gan")  # fmt: skip
    assert_same(checkpoint.load(new / "latest_net_G_A.pth"), checkpoint.load(published))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_weights_to_start_from_that_do_not_fit_or_are_not_there_are_explained(tmp_path) -> None:
    def start(source: Path, label: str = "latest", ngf: int = 2) -> None:
        model = option.train("--model", "pix2pix", "--netG", "unet_64", "--ngf", str(ngf)).model
        init_from(create_model(model), source, label)

    old = bare(tmp_path / "old/latest_net_G.pth", netG="unet_64", norm="batch").parent
    start(old)
    with pytest.raises(InputError, match=r"it was made with --ngf 2 \(not 3\)"):
        start(old, ngf=3)
    with pytest.raises(InputError, match="there is no such file or folder"):
        start(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no 7_net_G.pth \(found: latest_net_G.pth"):
        start(old, "7")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: it is neither a file nor a folder"):
        start(tmp_path / "pipe")


def test_continuing_does_not_start_from_the_given_weights_again(paired, tmp_path, capsys) -> None:
    old = run(paired, tmp_path, "old")
    run(paired, tmp_path, "new", "--init_from", str(old))
    capsys.readouterr()
    run(paired, tmp_path, "new", "--init_from", str(old), "--continue_train --n_epochs 2")
    assert "starts from" not in capsys.readouterr().out


def test_the_epoch_of_weights_to_start_from_is_not_one_of_the_runs_own(
    paired, tmp_path, capsys
) -> None:
    old = run(paired, tmp_path, "old", "--n_epochs 2 --save_epoch_freq 1")
    start = words("--init_from", old, "--epoch 1 --continue_train")
    run(paired, tmp_path, "new", *start)
    assert f"network G starts from {old / '1_net_G.pth'}" in capsys.readouterr().out
    run(paired, tmp_path, "new", *start, "--n_epochs 2")
    assert "after 6 images, in epoch 2" in capsys.readouterr().out
