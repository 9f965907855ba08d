"""Continuing: exactly, from weights, from somebody's weights, with other flags, and what cannot be continued."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from conftest import SMALL_TRAINING, write_images
from runs import ROOT, assert_same, content, run

import train
from util import checkpoint
from util.errors import InputError
from util.run_state import Progress


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("pix2pix", ["--pool_size", "3", "--norm", "batch", "--lr_policy", "plateau"]),
        (
            "cycle_gan",
            ["--pool_size", "2", "--dropout", "--batch_size", "2", "--lr_policy", "cosine"],
        ),
        ("pix2pix", ["--gan_mode", "wgangp", "--n_critic", "2", "--norm", "instance"]),
    ],
)
def test_a_resumed_run_ends_bit_for_bit_like_an_undisturbed_one(
    paired, unpaired, tmp_path, model, flags
) -> None:
    root = paired if model == "pix2pix" else unpaired
    flags = [*flags, "--print_freq", "1", "--n_epochs", "2", "--n_epochs_decay", "1"]
    whole = run(root, tmp_path, "whole", *flags, model=model)
    part = run(
        root, tmp_path, "part", *flags, "--n_epochs", "1", "--n_epochs_decay", "0", model=model
    )
    run(root, tmp_path, "part", *flags, "--continue_train", model=model)
    assert_same(content(whole), content(part))


def test_a_run_stopped_by_a_signal_goes_on_bit_for_bit_in_the_middle_of_an_epoch(tmp_path) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 60, 32, 64)
    words = [
        sys.executable, str(ROOT / "train.py"), "--dataroot", str(root), "--checkpoints_dir", str(tmp_path),
        "--model", "pix2pix", "--netG", "resnet_6blocks", *SMALL_TRAINING, "--n_epochs", "2",
        "--print_freq", "1", "--num_threads", "1",
    ]  # fmt: skip
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*words, "--name", "whole"], check=True, env=env, stdout=subprocess.DEVNULL)
    with subprocess.Popen(
        [*words, "--name", "part"], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("(epoch: 1, iters: 7,"):
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert "go on with the same command and --continue_train" in rest
    middle = Progress(**content(tmp_path / "part")["progress"])
    assert (middle.epoch, 6 < middle.position < 60) == (1, True)
    subprocess.run(
        [*words, "--name", "part", "--continue_train"],
        check=True,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    assert_same(content(tmp_path / "whole"), content(tmp_path / "part"))


def test_a_run_stopped_behind_the_last_image_of_an_epoch_goes_on_with_the_next(
    paired, tmp_path
) -> None:
    whole = run(paired, tmp_path, "whole", "--n_epochs", "2")
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / checkpoint.STATE_FILE)
    state["progress"] |= {"epoch": 1, "position": 6}
    checkpoint.save(folder / checkpoint.STATE_FILE, state)
    run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    assert_same(content(whole)["networks"], content(folder)["networks"])


def test_a_finished_run_says_so_and_can_be_extended(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(
        InputError, match=r"has finished its 1 epochs: to train longer, raise --n_epochs"
    ):
        run(paired, tmp_path, "n", "--continue_train")
    run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    assert "after 6 images, in epoch 2" in capsys.readouterr().out
    assert (tmp_path / "n/2_net_G.pth").exists()


def test_continuing_takes_over_the_runs_flags(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--ngf", "6", "--norm", "instance")
    words = ["--dataroot", str(paired), "--checkpoints_dir", str(tmp_path), "--name", "n"]
    assert train.main([*words, "--continue_train", "--n_epochs", "2"]) == 0
    weights = checkpoint.load_weights(tmp_path / "n/2_net_G.pth")
    assert weights["model.1.weight"].shape[0] == 6


def test_published_generators_can_be_trained_on(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n")
    for name in ("latest_state.pth", "latest_net_D.pth", "options.json"):
        (folder / name).unlink()
    run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    out = capsys.readouterr().out
    assert "from the latest weights of G" in out
    assert "(D not found: fresh), with fresh optimizers, in epoch 1" in out


def test_a_run_that_saved_nothing_yet_starts_from_the_beginning(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "other")
    run(paired, tmp_path, "n", "--continue_train", "--print_freq", "1")
    out = capsys.readouterr().out
    assert f"{tmp_path}/n holds no checkpoint yet: starting from the beginning (runs in" in out
    assert "other)" in out  # in case the name was mistyped
    with pytest.raises(InputError, match=r"there is no folder .*/m; check --name"):
        run(paired, tmp_path, "m", "--continue_train", "--epoch", "3")


def test_the_log_of_steps_taken_before_a_kill_and_again_after_it_has_them_once(
    paired, tmp_path
) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq", "1")
    with open(folder / "loss_log.txt", "a") as log:
        log.write("(epoch: 2, iters: 3, time: 0.1, data: 0.1) G_GAN: 1.0\n")
    run(paired, tmp_path, "n", "--print_freq", "1", "--n_epochs", "2", "--continue_train")
    log = (folder / "loss_log.txt").read_text()
    assert re.findall(r"epoch: (\d), iters: (\d)", log) == [
        (epoch, iters) for epoch in "12" for iters in "123456"
    ]
    assert log.count("Training Loss") == 1
    assert log.count("Continued") == 1


def test_a_state_of_other_networks_is_refused(paired, unpaired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(SystemExit):
        run(unpaired, tmp_path, "n", "--continue_train", "--n_epochs", "2", model="cycle_gan")
    assert "was trained with --model pix2pix, not cycle_gan" in capsys.readouterr().err
    (tmp_path / "n/options.json").unlink()
    with pytest.raises(InputError, match=r"lacks G_A: it was saved by another --model"):
        run(unpaired, tmp_path, "n", "--continue_train", "--n_epochs", "2", model="cycle_gan")
    with pytest.raises(InputError, match=r"G does not fit"):
        run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2", "--ngf", "8")


def test_a_copied_run_goes_on_in_its_copy(paired, tmp_path) -> None:
    run(paired, tmp_path / "one", "n")
    shutil.copytree(tmp_path / "one/n", tmp_path / "two/n")
    words = ["--checkpoints_dir", str(tmp_path / "two"), "--name", "n", "--continue_train"]
    assert train.main([*words, "--n_epochs", "2"]) == 0  # all else, the data too, is known
    assert (tmp_path / "two/n/2_net_G.pth").exists()
    assert not (tmp_path / "one/n/2_net_G.pth").exists()


def test_a_suffix_is_added_once(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--suffix", "{netG}")
    run(paired, tmp_path, "n", "--suffix", "{netG}", "--continue_train", "--n_epochs", "2")
    assert (tmp_path / "n_resnet_6blocks/2_net_G.pth").exists()


def test_a_chosen_epochs_weights_are_followed_by_the_next_epoch(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs", "2", "--save_epoch_freq", "1")
    run(paired, tmp_path, "n", "--n_epochs", "3", "--continue_train", "--epoch", "1")
    assert "with fresh optimizers, in epoch 2" in capsys.readouterr().out


def test_a_flag_that_changes_the_run_is_told_of_and_acts(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", "--pool_size", "4")
    run(
        paired, tmp_path, "n", "--continue_train", "--n_epochs", "2", "--lr", "0.001", "--beta1", "0.9",
        "--pool_size", "2", "--num_threads", "1", "--print_freq", "7",
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "note: --lr was 0.0002 when this run was saved, and is 0.001 from here on" in out
    assert set(re.findall(r"note: --(\w+) was", out)) == {"n_epochs", "lr", "beta1", "pool_size"}
    state = content(folder)
    assert state["stateful"]["optimizer_G"]["param_groups"][0]["betas"] == [0.9, 0.999]
    assert len(state["stateful"]["pool_AB"]["images"]) == 2


def test_continuing_with_the_same_flags_has_nothing_to_note(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs", "2")
    state = checkpoint.load(tmp_path / "n" / checkpoint.STATE_FILE)
    state["progress"] |= {"epoch": 2, "position": 0}
    checkpoint.save(tmp_path / "n" / checkpoint.STATE_FILE, state)
    capsys.readouterr()
    run(paired, tmp_path, "n", "--n_epochs", "2", "--continue_train")
    assert "note" not in capsys.readouterr().out


def test_another_pytorch_or_another_number_of_threads_is_noted(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / checkpoint.STATE_FILE)
    state["versions"] |= {"torch": "1.0", "threads": 99}
    checkpoint.save(folder / checkpoint.STATE_FILE, state)
    run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    out = capsys.readouterr().out
    assert f"torch was 1.0 and is {torch.__version__}: results may differ in the last bit" in out
    assert "threads was 99 and is 1" in out


def test_images_that_came_in_between_are_noted(tmp_path, capsys) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 3, 32, 64)
    run(root, tmp_path, "n")
    write_images(root / "train", 2, 32, 64, start=3)
    run(root, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    assert "an epoch had 3 images when this run was saved, and has 5" in capsys.readouterr().out


def test_flags_that_cannot_fit_are_named(paired, tmp_path) -> None:
    run(paired, tmp_path, "n")
    with pytest.raises(InputError, match=r"this run was made with --ngf 4, not 8$"):
        run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2", "--ngf", "8")


def test_epoch_count_wins_over_the_saved_state(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs", "3")
    run(paired, tmp_path, "n", "--n_epochs", "3", "--continue_train", "--epoch_count", "3")
    out = capsys.readouterr().out
    assert "End of epoch 3 / 3" in out.split("continuing")[1]
    assert "End of epoch 2 / 3" not in out.split("continuing")[1]


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


def test_a_new_run_starts_from_a_folder_of_weights(paired, tmp_path, capsys) -> None:
    no_statistics = ["--norm", "instance"]  # which change even where nothing is learnt
    old = run(paired, tmp_path, "old", *no_statistics)
    start = ["--init_from", str(old), "--lr", "0", "--seed", "5"]
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
    new = run(
        unpaired, tmp_path, "new", "--init_from", str(published), "--lr", "0", model="cycle_gan"
    )
    assert_same(checkpoint.load(new / "latest_net_G_A.pth"), checkpoint.load(published))
    assert "network G_B, D_A, D_B: fresh" in capsys.readouterr().out

    (tmp_path / "web").mkdir()
    shutil.copy(published, tmp_path / "web/latest_net_G.pth")
    new = run(unpaired, tmp_path, "web2", "--init_from", str(tmp_path / "web"), "--lr", "0", model="cycle_gan")  # fmt: skip
    assert_same(checkpoint.load(new / "latest_net_G_A.pth"), checkpoint.load(published))


def test_weights_to_start_from_that_do_not_fit_or_are_not_there_are_explained(
    paired, tmp_path
) -> None:
    old = run(paired, tmp_path, "old")
    with pytest.raises(InputError, match=r"it was made with --ngf 4 \(not 6\)"):
        run(paired, tmp_path, "new", "--init_from", str(old), "--ngf", "6")
    with pytest.raises(InputError, match="there is no such file or folder"):
        run(paired, tmp_path, "new", "--init_from", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"holds no 7_net_G.pth \(found: 1_net_D.pth"):
        run(paired, tmp_path, "new", "--init_from", str(old), "--epoch", "7")
    assert not (tmp_path / "new").exists()


def test_continuing_does_not_start_from_the_given_weights_again(paired, tmp_path, capsys) -> None:
    old = run(paired, tmp_path, "old")
    run(paired, tmp_path, "new", "--init_from", str(old))
    capsys.readouterr()
    run(paired, tmp_path, "new", "--init_from", str(old), "--continue_train", "--n_epochs", "2")
    assert "starts from" not in capsys.readouterr().out


def test_only_the_newest_checkpoints_are_kept_when_asked(paired, tmp_path) -> None:
    folder = run(
        paired, tmp_path, "n", "--n_epochs", "5", "--save_epoch_freq", "1", "--keep_epochs", "2"
    )
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
    folder = run(paired, tmp_path, "n", "--print_freq", "1")
    old, log = content(folder), (folder / "loss_log.txt").read_text()
    spoilt = tmp_path / "spoilt"
    write_images(spoilt / "train", 2, 32, 64)
    for image in (spoilt / "train").iterdir():
        image.write_bytes(b"nonsense")  # ends the new run at its first image
    with pytest.raises(InputError, match="cannot be read"):
        run(spoilt, tmp_path, "n", "--seed", "1")
    run(paired, tmp_path, "n", "--seed", "1", "--print_freq", "1", "--continue_train")
    assert "holds no checkpoint yet: starting from the beginning" in capsys.readouterr().out
    assert content(folder)["progress"]["run_images"] == 6
    assert_same(checkpoint.load(folder / "previous_state.pth")["progress"], old["progress"])
    assert (folder / "loss_log.txt").read_text().startswith(log)


def test_going_on_leaves_the_log_lines_of_earlier_runs_alone(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq", "1", "--n_epochs", "3")
    first = (folder / "loss_log.txt").read_text()
    run(paired, tmp_path, "n", "--print_freq", "1", "--seed", "1")
    run(paired, tmp_path, "n", "--print_freq", "1", "--n_epochs", "2", "--continue_train")
    log = (folder / "loss_log.txt").read_text()
    assert log.startswith(first)
    assert len(re.findall(r"epoch: 1, iters: 6", log)) == 2


def test_the_epoch_of_weights_to_start_from_is_not_one_of_the_runs_own(
    paired, tmp_path, capsys
) -> None:
    old = run(paired, tmp_path, "old", "--n_epochs", "2", "--save_epoch_freq", "1")
    start = ["--init_from", str(old), "--epoch", "1", "--continue_train"]
    run(paired, tmp_path, "new", *start)
    assert f"network G starts from {old / '1_net_G.pth'}" in capsys.readouterr().out
    run(paired, tmp_path, "new", *start, "--n_epochs", "2")
    assert "after 6 images, in epoch 2" in capsys.readouterr().out


def test_a_state_names_no_files_elsewhere(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n")
    state = checkpoint.load(folder / checkpoint.STATE_FILE)
    hostile = {"labels": ["../evil", 5, "9"], "flags": 3, "versions": None}
    checkpoint.save(folder / checkpoint.STATE_FILE, {**state, **hostile})
    run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
    assert not list(tmp_path.glob("evil*"))
    assert (folder / "9_net_G.pth").exists()
    checkpoint.save(
        folder / checkpoint.STATE_FILE,
        {**state, "progress": {**state["progress"], "position": -1}},
    )
    with pytest.raises(InputError, match="position is -1"):
        run(paired, tmp_path, "n", "--continue_train", "--n_epochs", "2")
