"""Whole runs of train.py: what they leave on disk, and how they end when something is in the way."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import SMALL_TRAINING, write_images
from helpers.runs import assert_same, content, run
from helpers.training_page import read_training_page
from helpers.words import words

import train
from util.distributed.stop import STOPPED
from util.errors import InputError
from util.logs.logger import At, Logger
from util.logs.records import FILE, read_record


def test_a_run_leaves_the_files_of_the_original_code_and_a_state(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq 2 --display_freq 3 --n_epochs 2")
    assert {file.name for file in folder.iterdir()} == {
        "train_opt.txt", "options.json", "loss_log.txt", "metrics.jsonl", "web", "latest_state.pth", "inference.json",
        "latest_net_G.pth", "latest_net_D.pth", "2_net_G.pth", "2_net_D.pth",
    }  # fmt: skip
    assert {file.name for file in (folder / "web/images").iterdir()} == {
        f"epoch00{e}_{label}.png" for e in (1, 2) for label in ("real_A", "fake_B", "real_B")
    }
    out = capsys.readouterr().out
    for line in (
        "dataset [aligned] was created",
        "The number of training images = 6",
        "model [pix2pix] was created",
        "saving the model at the end of epoch 2, iters 12",
        "seed 0",
    ):
        assert line in out


def test_readers_of_the_loss_log_still_understand_it(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--print_freq 2")
    banner, *lines = (folder / "loss_log.txt").read_text().splitlines()
    assert re.fullmatch(r"=+ Training Loss \(.+ \d{4}\) =+", banner)
    assert len(lines) == 3
    for line in lines:
        head, pairs = re.fullmatch(
            r"\(epoch: (\d+, iters: \d+, time: \d+\.\d{3}, data: \d+\.\d{3})\) (.*)", line
        ).groups()
        assert head.startswith("1, iters: ")
        assert [name for name, _ in re.findall(r"(\w+): (-?[\d.]+)(?: |$)", pairs)] == [
            "G_GAN", "G_L1", "D_real", "D_fake",
        ]  # fmt: skip


def test_saves_happen_whenever_a_multiple_is_crossed(paired, tmp_path) -> None:
    folder = run(
        paired, tmp_path, "n", "--batch_size 4 --save_latest_freq 5 --save_by_iter",
        "--n_epochs 3 --save_epoch_freq 2",
    )  # fmt: skip
    # 6 images in batches of 4 and 2: counts 4, 6, 10, 12, 16, 18; multiples of 5 are crossed at 6, 10, 16.
    labels = {file.name.split("_net_")[0] for file in folder.glob("*_net_G.pth")}
    assert labels == {"latest", "iter_6", "iter_10", "iter_16", "2", "3"}


def test_weights_are_plain_cpu_tensors(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n")
    weights = torch.load(folder / "latest_net_G.pth", weights_only=True)
    assert all(value.device.type == "cpu" for value in weights.values())
    assert "model.10.conv_block.1.weight" in weights


def test_logging_does_not_change_what_is_learned(paired, tmp_path) -> None:
    often = run(paired, tmp_path, "often", "--print_freq 1 --display_freq 1 --save_latest_freq 1")
    never = run(paired, tmp_path, "never", "--no_html")
    assert_same(content(often)["networks"], content(never)["networks"])


def test_a_bad_image_stops_after_saving_and_can_be_skipped(tmp_path, capsys) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 6, 32, 64)
    (root / "train/004.png").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"004\.png: cannot be read as an image"):
        run(root, tmp_path, "n", "--serial_batches")
    assert content(tmp_path / "n")["progress"]["position"] == 4
    run(root, tmp_path, "n", "--serial_batches --continue_train --bad_images skip")
    assert f"skipped {root}/train/004.png" in capsys.readouterr().out


def test_a_run_that_did_nothing_does_not_overwrite_an_earlier_one(tmp_path, caplog) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 3, 32, 64)
    folder = run(root, tmp_path, "n")
    before = content(folder)
    for image in (root / "train").iterdir():
        image.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read as an image"):
        run(root, tmp_path, "n")
    assert "holds an earlier run, whose numbered checkpoints will be overwritten" in caplog.text
    with pytest.raises(InputError, match="every image was skipped"):
        run(root, tmp_path, "n", "--bad_images skip")
    (folder / "previous_state.pth").rename(folder / "latest_state.pth")  # as the warning says
    assert_same(content(folder), before)


@pytest.mark.parametrize("preprocess", ["none", "scale_width", "crop"])
@pytest.mark.parametrize("gan_mode", ["lsgan", "wgangp"])
def test_images_of_all_sizes_train_in_batches_with_full_pools(
    tmp_path, preprocess, gan_mode
) -> None:
    sides = [(32, 32), (40, 36), (33, 47), (64, 32), (9, 50)]
    for folder in ("trainA", "trainB"):
        for i, (height, width) in enumerate(sides[: 4 if preprocess == "crop" else 5]):
            write_images(tmp_path / folder, 1, height, width, start=i)
    folder = run(
        tmp_path, tmp_path, "n", "--batch_size 2 --pool_size 2 --n_epochs 3",
        f"--preprocess {preprocess} --gan_mode {gan_mode}", model="cycle_gan",
    )  # fmt: skip
    state, images = content(folder), 4 if preprocess == "crop" else 5
    assert state["progress"]["run_images"] == 3 * images
    assert [len(state["stateful"][f"pool_{side}"]["images"]) for side in "AB"] == [2, 2]


@pytest.mark.parametrize(
    ("model", "flags", "message"),
    [
        ("cycle_gan", words("--dataset_mode single"), "needs images B, which this --dataset_mode"),
        ("pix2pix", words("--dataset_mode single"), "needs images B, which this --dataset_mode"),
        (
            "pix2pix",
            words("--dataset_mode unaligned --preprocess none"),
            "needs pairs of images",
        ),
    ],
)
def test_a_data_set_that_does_not_suit_the_model_is_explained(
    tmp_path, model, flags, message
) -> None:
    write_images(tmp_path / "trainA", 2, 32, 32)
    write_images(tmp_path / "trainB", 2, 40, 40)
    with pytest.raises(InputError, match=message):
        run(tmp_path, tmp_path, "n", *flags, model=model)


def test_an_error_before_training_leaves_no_folder(paired, tmp_path) -> None:
    for flags in (
        words("--crop_size 30"),
        words("--phase nowhere"),
        words("--netD n"),
        words("--input_nc 2"),
    ):
        with pytest.raises(InputError):
            run(paired, tmp_path, "n", *flags)
    assert not (tmp_path / "n").exists()


def test_a_last_epoch_entered_in_the_middle_prints_no_more_than_a_whole_one(tmp_path) -> None:
    root = tmp_path / "data"
    write_images(root / "train", 9, 32, 64)
    flags = words("--print_freq 4 --serial_batches --no_flip")
    whole = run(root, tmp_path, "whole", *flags)
    good = (root / "train/006.png").read_bytes()
    (root / "train/006.png").write_bytes(b"nonsense")
    with pytest.raises(InputError):
        run(root, tmp_path, "part", *flags)
    (root / "train/006.png").write_bytes(good)
    part = run(root, tmp_path, "part", *flags, "--continue_train")
    assert_same(content(whole), content(part))
    lines = [line for line in (part / "loss_log.txt").read_text().splitlines() if "epoch:" in line]
    assert [re.search(r"iters: (\d+)", line)[1] for line in lines] == ["4", "8", "9"]


def test_the_optimizers_use_the_schedules_rate(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--n_epochs 1 --n_epochs_decay 1")
    for name in ("optimizer_G", "optimizer_D"):
        (group,) = content(folder)["stateful"][name]["param_groups"]
        assert group["lr"] == pytest.approx(0.0001)


def test_the_plateau_policy_watches_what_is_learned(paired, tmp_path) -> None:
    flags = words("--lr_policy plateau --lr 0 --serial_batches --no_flip --no_dropout")
    crop = words("--preprocess none --n_epochs 8 --norm instance")
    folder = run(paired, tmp_path, "n", *flags, *crop, "--lambda_L1 50")
    metric = content(folder)["progress"]["metric"]
    assert len(metric) == 8
    assert metric == pytest.approx([metric[0]] * 8)  # with a rate of 0 nothing improves
    assert metric[0] > 1


def test_a_time_limit_saves_and_stops_and_the_same_command_goes_on(
    paired, tmp_path, capsys
) -> None:
    where = ["--dataroot", str(paired), "--checkpoints_dir", str(tmp_path), "--name", "n"]
    line = [*where, *words("--model pix2pix --netG resnet_6blocks"), *SMALL_TRAINING]
    endless = [*line, "--n_epochs", "5000"]
    assert train.main([*endless, "--time_limit", str(2 / 3600)]) == STOPPED
    assert "stopped by the time limit: saving epoch" in capsys.readouterr().out
    reached = content(tmp_path / "n")["progress"]["iteration"]
    assert reached > 0
    assert train.main([*endless, "--continue_train"]) == STOPPED
    progress = content(tmp_path / "n")["progress"]
    assert progress["iteration"] > reached
    last = str(progress["epoch"] + 1)
    assert train.main([*line, "--continue_train", "--time_limit", "0", "--n_epochs", last]) == 0


def test_a_run_whose_last_save_is_long_ago_saves_at_the_end_of_an_epoch(
    paired, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("util.checkpoints.saver.LONGEST", 0.0)
    run(paired, tmp_path, "n", "--n_epochs 3 --save_epoch_freq 100")
    assert re.findall(
        r"saving the latest model \(epoch (\d), total_iters (\d+)\)", capsys.readouterr().out
    ) == [
        ("1", "6"),
        ("2", "12"),
    ]


def test_slow_training_saves_and_shows_images_within_an_epoch(
    paired, tmp_path, capsys, monkeypatch
) -> None:
    def images(name: str) -> set[str]:
        folder = run(paired, tmp_path, name, "--print_freq 4 --n_epochs 2")
        return {file.name for file in (folder / "web/images").glob("*fake_B.png")}

    assert images("fast") == {"epoch002_fake_B.png"}
    assert "saving the latest model" not in capsys.readouterr().out
    for place in ("util.checkpoints.saver", "util.logs.reporter"):
        monkeypatch.setattr(f"{place}.LONGEST", -1.0)
    assert images("slow") == {"epoch001_fake_B.png", "epoch002_fake_B.png"}
    saves = re.findall(r"saving the latest model \((.*)\)", capsys.readouterr().out)
    assert saves == [f"epoch {e}, total_iters {n}" for e, n in ((1, 4), (1, 6), (2, 8), (2, 12))]
    assert_same(content(tmp_path / "fast")["networks"], content(tmp_path / "slow")["networks"])


def test_a_run_whose_losses_ran_away_says_so_at_its_end(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", "--lambda_L1 1e9 --lr 0")
    out = capsys.readouterr().out
    assert re.search(r"hint: losses have run away \(G_L1 \d\.\de\+0\d\)", out)
    assert "warning: this training has diverged (G_L1 " in out
    assert read_record(folder / FILE).ending == "diverged"
    assert read_training_page(folder / "web").now["ending"] == "diverged"


@pytest.mark.parametrize("images", [3, 14])
def test_small_data_sets_show_losses_and_images_in_every_epoch_or_after_ten_images(
    images, tmp_path
) -> None:
    write_images(tmp_path / "train", images, 32, 64)
    folder = run(tmp_path, tmp_path, "n", "--n_epochs 6")
    shown = read_training_page(folder / "web")
    expected = [1, 2, 3, 4, 5, 6] if images == 14 else [4, 6]  # 12 images, and the last ones
    assert [at.epoch for at, _ in read_record(folder / FILE).losses] == expected
    assert [*shown.epochs] == expected


def test_no_html_writes_no_page(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--no_html --display_freq 1")
    assert not (folder / "web").exists()


def test_the_page_lists_the_epochs_of_this_run_alone(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--n_epochs 2 --display_freq 1")
    folder = run(paired, tmp_path, "n", "--display_freq 1")
    shown = read_training_page(folder / "web")
    assert [*shown.epochs] == [1]
    assert len(shown.losses("G_L1")) == 1
    run(paired, tmp_path, "n", "--n_epochs 2 --display_freq 1 --continue_train")
    shown = read_training_page(folder / "web")
    assert [*shown.epochs] == [1, 2]
    assert shown.now["ending"] == "done"


def test_the_learning_rate_falls_as_the_schedule_says(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path, "n", "--n_epochs 1 --n_epochs_decay 1")
    assert re.findall(r"learning rate ([\d.]+)", capsys.readouterr().out) == [
        "0.0002000",
        "0.0001000",
    ]


def test_a_page_that_cannot_be_written_is_told_of_once_and_training_goes_on(
    paired, tmp_path, caplog
) -> None:
    folder = tmp_path / "n"
    (folder / "web").mkdir(parents=True)
    (folder / "web/images").write_text("a file where a folder should be")
    run(paired, tmp_path, "n", "--display_freq 1 --print_freq 1")
    assert caplog.text.count("the training page is not up to date") == 1
    assert (folder / "1_net_G.pth").exists()


def test_a_sink_that_raises_is_dropped_with_one_line(caplog) -> None:
    class Broken:
        def __getattr__(self, name):
            raise OSError(f"no {name}")

    logger = Logger([Broken()])
    for _ in range(2):
        logger.losses(At(1, 1, 1, 1.0), {"G": 1.0})
    assert caplog.text.count("Broken is switched off for the rest of this run: no losses") == 1
