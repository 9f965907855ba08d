"""Continuing exactly: what a run leaves for it, and what interrupted runs have left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import SMALL_TRAINING, write_images
from helpers.runs import ROOT, assert_same, content, run
from helpers.words import words

from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.checkpoints.lock import RunLock
from util.distributed.stop import STOPPED
from util.errors import InputError
from util.training.progress import Progress

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("pix2pix", words("--pool_size 3 --norm batch --lr_policy plateau")),
        (
            "cycle_gan",
            words("--pool_size 2 --dropout --batch_size 2 --lr_policy cosine"),
        ),
        ("pix2pix", words("--gan_mode wgangp --n_critic 2 --norm instance")),
        (
            "pix2pix",
            words("--augment rot90,flip,scale --crops_per_image 2 --lambda_perceptual 5"),
        ),
        ("pix2pix", words("--r1 1 --r1_interval 4 --diffaugment color,translation,cutout")),
        ("cycle_gan", words("--r1 1 --r1_interval 4 --spectral_norm --normD none --lr_D 0.0001")),
        ("pix2pix", words("--netD projected --gan_mode hinge --log_health")),
    ],
)
def test_a_resumed_run_ends_bit_for_bit_like_an_undisturbed_one(
    paired, unpaired, tmp_path, model, flags
) -> None:
    root = paired if model == "pix2pix" else unpaired
    flags = words(*flags, "--print_freq 1 --n_epochs 2 --n_epochs_decay 1")
    whole = run(root, tmp_path, "whole", *flags, model=model)
    part = run(root, tmp_path, "part", *flags, "--n_epochs 1 --n_epochs_decay 0", model=model)
    run(root, tmp_path, "part", *flags, "--continue_train", model=model)
    assert_same(content(whole), content(part))


def test_a_run_stopped_by_a_signal_goes_on_bit_for_bit_in_the_middle_of_an_epoch(tmp_path) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 60, 32, 64)
    command = [sys.executable, str(ROOT / "train.py")]
    command += words("--dataroot", root, "--checkpoints_dir", tmp_path, "--model pix2pix")
    command += words("--netG resnet_6blocks", *SMALL_TRAINING)
    command += words("--n_epochs 2 --print_freq 1 --num_threads 1")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(words(*command, "--name whole"), check=True, env=env, stdout=subprocess.DEVNULL)
    with subprocess.Popen(
        words(*command, "--name part"), env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("(epoch: 1, iters: 7,"):
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
    assert process.returncode == STOPPED
    assert "to continue, run the same command with --continue_train" in rest
    middle = Progress(**content(tmp_path / "part")["progress"])
    assert (middle.epoch, 6 < middle.position < 60) == (1, True)
    subprocess.run(
        words(*command, "--name part --continue_train"),
        check=True,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    assert_same(content(tmp_path / "whole"), content(tmp_path / "part"))


def test_a_run_stopped_behind_the_last_image_of_an_epoch_goes_on_with_the_next(
    paired, tmp_path
) -> None:
    whole = run(paired, tmp_path, "whole", "--n_epochs 2")
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / names.STATE_FILE)
    state["progress"] |= {"epoch": 1, "position": 6}
    checkpoint.save(folder / names.STATE_FILE, state)
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    assert_same(content(whole)["networks"], content(folder)["networks"])


def test_network_files_that_a_kill_prevented_are_written_when_the_run_goes_on(
    paired, tmp_path
) -> None:
    folder = run(paired, tmp_path, "n")
    wanted = checkpoint.load(folder / "1_net_G.pth")
    (folder / "1_net_G.pth").unlink()
    old = checkpoint.load(folder / "latest_net_D.pth")
    checkpoint.save(folder / "latest_net_D.pth", {key: value * 0 for key, value in old.items()})
    os.utime(folder / "latest_net_D.pth", (1, 1))
    with pytest.raises(InputError, match="has finished"):
        run(paired, tmp_path, "n", "--continue_train")
    assert_same(checkpoint.load(folder / "1_net_G.pth"), wanted)
    assert_same(checkpoint.load(folder / "latest_net_D.pth"), old)


def test_leftovers_of_a_killed_save_are_removed_but_not_those_of_a_living_process(
    paired, tmp_path
) -> None:
    folder = tmp_path / "n"
    folder.mkdir()
    for process in (2**22 + 1, os.getppid()):  # above the highest number Linux gives
        (folder / f".latest_state.pth.{process}.tmp").write_bytes(b"half")
    run(paired, tmp_path, "n")
    assert [file.name for file in folder.glob(".*")] == [f".latest_state.pth.{os.getppid()}.tmp"]


def test_only_the_newest_checkpoints_are_kept_when_asked(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--n_epochs 5 --save_epoch_freq 1 --keep_epochs 2")
    labels = {file.name.split("_net_")[0] for file in folder.glob("*_net_*.pth")}
    assert labels == {"latest", "4", "5"}


def test_deterministic_runs_on_the_cpu_learn_the_same(paired, tmp_path) -> None:
    plain = run(paired, tmp_path, "plain")
    try:
        forced = run(paired, tmp_path, "forced", "--deterministic")
    finally:
        torch.use_deterministic_algorithms(False)
    assert_same(content(plain)["networks"], content(forced)["networks"])


def test_a_new_run_in_a_used_folder_killed_before_its_first_save_does_not_continue_the_old_one(
    paired, tmp_path, capsys
) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq 1")
    old, log = content(folder), (folder / "loss_log.txt").read_text()
    spoilt = tmp_path / "spoilt"
    write_images(spoilt / "train", 2, 32, 64)
    for image in (spoilt / "train").iterdir():
        image.write_bytes(b"nonsense")  # ends the new run at its first image
    with pytest.raises(InputError, match="cannot be read"):
        run(spoilt, tmp_path, "n", "--seed 1")
    run(paired, tmp_path, "n", "--seed 1 --print_freq 1 --continue_train")
    assert "holds no checkpoint yet: starting from the beginning" in capsys.readouterr().out
    assert content(folder)["progress"]["run_images"] == 6
    assert_same(checkpoint.load(folder / "previous_state.pth")["progress"], old["progress"])
    assert (folder / "loss_log.txt").read_text().startswith(log)


def test_going_on_leaves_the_log_lines_of_earlier_runs_alone(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq 1 --n_epochs 3")
    first = (folder / "loss_log.txt").read_text()
    run(paired, tmp_path, "n", "--print_freq 1 --seed 1")
    run(paired, tmp_path, "n", "--print_freq 1 --n_epochs 2 --continue_train")
    log = (folder / "loss_log.txt").read_text()
    assert log.startswith(first)
    assert len(re.findall(r"epoch: 1, iters: 6", log)) == 2


def test_a_state_names_no_files_elsewhere(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / names.STATE_FILE)
    hostile = {"labels": ["../evil", 5, "9"], "flags": 3, "versions": None}
    checkpoint.save(folder / names.STATE_FILE, {**state, **hostile})
    run(paired, tmp_path, "n", "--continue_train --n_epochs 2")
    assert not list(tmp_path.glob("evil*"))
    assert (folder / "9_net_G.pth").exists()
    checkpoint.save(
        folder / names.STATE_FILE,
        {**state, "progress": {**state["progress"], "position": -1}},
    )
    with pytest.raises(InputError, match="position is -1"):
        run(paired, tmp_path, "n", "--continue_train --n_epochs 2")


def test_a_run_that_is_being_trained_is_not_trained_twice(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n")
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    with RunLock(folder) as lock:
        lock.acquire()
        for words in ([], ["--continue_train", "--n_epochs", "2"]):
            with pytest.raises(InputError, match="is being trained by process"):
                run(paired, tmp_path, "n", *words)
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before


@pytest.mark.parametrize("renamed", range(3))  # of the state, G and D
def test_a_new_run_that_was_killed_at_its_start_does_not_continue_the_old_one(
    paired, tmp_path, monkeypatch, renamed
) -> None:
    folder = run(paired, tmp_path, "n", "--seed", "1")
    replace, left = Path.replace, [renamed]

    def until_killed(path: Path, target: Path) -> Path:
        if path.name.startswith("latest"):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", until_killed)
    with pytest.raises(KeyboardInterrupt):
        run(paired, tmp_path, "n", "--seed", "2")
    monkeypatch.undo()
    run(paired, tmp_path, "n", "--continue_train")
    assert_same(content(folder), content(run(paired, tmp_path, "other", "--seed", "2")))
