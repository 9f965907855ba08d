"""Measuring while training: what is measured, what is kept as best, and when it stops."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import write_images
from helpers.group import trainings
from helpers.runs import assert_same, content, run
from helpers.words import words
from PIL import Image

import models
import test as test_script
from options.train_options import ValidationOptions
from util.checkpoints import files as checkpoint
from util.errors import InputError
from util.metrics import Scorer
from util.training.progress import Progress

EPOCHS = words("--n_epochs 3 --save_epoch_freq 1")


def measured(folder: Path, name: str) -> list[float]:
    """The values of a curve, from the log."""
    text = (folder / "loss_log.txt").read_text()
    return [float(value) for value in re.findall(rf" {name}: ([-\d.]+)", text)]


def score(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    scorer = Scorer("l1,psnr")
    for made, truth in pairs:
        scorer.add(made[None], truth[None])
    return scorer.summary()


def translated(
    root: Path, out: Path, name: str, *flags: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Translations of the validation split by test.py, with their truths."""
    where = words("--dataroot", root, "--checkpoints_dir", out, "--name", name, *flags)
    where += words("--results_dir", out / "results", "--phase val --gpu_ids -1")
    assert test_script.main(where) == 0
    (folder,) = (out / "results" / name).iterdir()
    files = sorted((folder / "images").glob("*_fake_B.png"))
    truths = [file.with_name(file.name.replace("fake", "real")) for file in files]
    return [
        (np.asarray(Image.open(file)), np.asarray(Image.open(truth)))
        for file, truth in zip(files, truths, strict=True)
    ]


def test_many_crops_of_each_image_are_learnt_from_and_whole_images_are_measured(
    paired, tmp_path
) -> None:
    flags = "--preprocess crop --crop_size 24 --crops_per_image 3 --augment rot90 --val_freq 1"
    folder = run(paired, tmp_path, "n", flags)
    assert content(folder)["progress"]["run_images"] == 18
    expected = score(translated(paired, tmp_path, "n", "--model pix2pix"))
    assert measured(folder, "val_l1") == [pytest.approx(expected["l1"], abs=6e-4)]


def test_what_is_measured_is_what_test_py_translates(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--val_freq 1 --norm batch")
    expected = score(translated(paired, tmp_path, "n", "--model pix2pix"))
    assert measured(folder, "val_l1") == [pytest.approx(expected["l1"], abs=6e-4)]
    assert measured(folder, "val_psnr") == [pytest.approx(expected["psnr"], abs=6e-4)]


def test_measuring_changes_nothing_of_what_is_learnt(paired, tmp_path) -> None:
    plain = run(paired, tmp_path, "plain", *EPOCHS)
    watched = run(paired, tmp_path, "watched", *EPOCHS, "--val_freq 1")
    for part in ("networks", "stateful"):
        assert_same(content(plain)[part], content(watched)[part])
    assert not list(plain.glob("best_*"))


def test_the_best_weights_are_those_of_the_epoch_with_the_best_value(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", *EPOCHS, "--val_freq 1 --lr 0.01")
    values = measured(folder, "val_psnr")
    best = checkpoint.load(folder / f"{1 + int(np.argmax(values))}_net_G.pth")
    assert_same(checkpoint.load(folder / "best_psnr_net_G.pth"), best)
    assert translated(paired, tmp_path, "n", "--model pix2pix --epoch best_psnr")


def test_best_is_the_epoch_that_was_best_by_the_first_metric(paired, tmp_path, capsys) -> None:
    folder = run(
        paired, tmp_path, "n", "--n_epochs 1 --n_epochs_decay 0 --val_freq 1 --val_metrics psnr,l1"
    )
    assert translated(paired, tmp_path, "n", "--model pix2pix --epoch best")
    assert "best_psnr_net_G.pth" in capsys.readouterr().out
    run(paired, tmp_path, "m", f"--n_epochs 1 --n_epochs_decay 0 --init_from {folder} --epoch best")
    assert f"starts from {folder}/best_psnr_net_G.pth" in capsys.readouterr().out


def test_smaller_errors_and_larger_ratios_are_better() -> None:
    progress = Progress()
    assert progress.count_validation({"l1": 0.5, "psnr": 10.0}) == ["l1", "psnr"]
    assert progress.count_validation({"l1": 0.6, "psnr": 11.0}) == ["psnr"]
    assert (progress.best, progress.stale) == ({"l1": 0.5, "psnr": 11.0}, 1)  # the first decides
    assert progress.count_validation({"l1": 0.4, "psnr": 1.0}) == ["l1"]
    assert progress.stale == 0


def test_a_run_that_does_not_get_better_stops_early(paired, tmp_path, capsys) -> None:
    line = words("--val_freq 1 --early_stop 2 --n_epochs 9 --lr 0")
    folder = run(paired, tmp_path, "n", *line)
    assert "stopping early: 2 measurements in a row without a better l1" in capsys.readouterr().out
    assert content(folder)["progress"]["epoch"] == 4
    assert (folder / "3_net_G.pth").exists()
    run(paired, tmp_path, "n", *line, "--continue_train")
    assert content(folder)["progress"]["epoch"] == 4
    run(paired, tmp_path, "n", *line, "--continue_train --early_stop 3")
    assert content(folder)["progress"]["epoch"] == 5


def test_a_run_that_is_measured_goes_on_bit_for_bit(paired, tmp_path) -> None:
    flags = words(*EPOCHS, "--val_freq 1 --print_freq 1")
    whole = run(paired, tmp_path, "whole", *flags)
    run(paired, tmp_path, "parts", *flags, "--n_epochs 1")
    parts = run(paired, tmp_path, "parts", *flags, "--continue_train")
    assert_same(content(whole), content(parts))
    assert_same(
        checkpoint.load(whole / "best_l1_net_G.pth"), checkpoint.load(parts / "best_l1_net_G.pth")
    )


def test_averaged_weights_are_measured_beside_the_others(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--val_freq 1 --ema 0.5 --lr 0.01")
    assert len(measured(folder, "val_l1")) == len(measured(folder, "val_l1_ema")) == 1
    best = content(folder)["progress"]["best"]["l1"]
    assert best == pytest.approx(measured(folder, "val_l1_ema")[0], abs=6e-4)


def test_files_of_the_same_name_are_each_others_truth(tmp_path) -> None:
    for phase, start in (("train", 0), ("val", 50)):
        write_images(tmp_path / f"{phase}A", 3, 32, 32, start)
        write_images(tmp_path / f"{phase}B", 3, 32, 32, start)
    folder = run(tmp_path, tmp_path, "n", "--val_freq 1", model="cycle_gan")
    expected = score(translated(tmp_path, tmp_path, "n", "--model cycle_gan"))
    assert measured(folder, "val_l1_B") == [pytest.approx(expected["l1"], abs=6e-4)]
    assert len(measured(folder, "val_l1_A")) == len(measured(folder, "val_rec_l1_A")) == 1


def test_without_truths_reconstructions_are_measured(tmp_path) -> None:
    for phase, start in (("train", 0), ("val", 50)):
        write_images(tmp_path / f"{phase}A", 3, 32, 32, start)
        write_images(tmp_path / f"{phase}B", 2, 32, 32, start + 100)
    folder = run(tmp_path, tmp_path, "n", "--val_freq 1", model="cycle_gan")
    assert measured(folder, "val_l1_B") == []
    both = [measured(folder, f"val_rec_l1_{side}")[0] for side in "AB"]
    best = content(folder)["progress"]["best"]["l1"]
    assert best == pytest.approx(sum(both) / 2, abs=1e-3)


def test_a_model_made_like_the_template_is_measured_and_scored(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", "--val_freq 1", model="template")
    assert len(measured(folder, "val_l1")) == 1
    assert (folder / "best_l1_net_G.pth").exists()
    assert score(translated(paired, tmp_path, "n", "--model template"))


def test_a_model_without_truths_among_its_pictures_is_told_what_is_missing(
    paired, tmp_path, capsys, monkeypatch
) -> None:
    (tmp_path / "blind_model.py").write_text(
        "from models.template_model import TemplateModel\n"
        "class BlindModel(TemplateModel):\n"
        "    def translate(self, batch):\n"
        "        return {'real_A': self.image(batch, 'A'), 'fake_B': self.translated(self.G, self.image(batch, 'A'))}\n"
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    run(paired, tmp_path, "n", "--val_freq 1", model="blind")
    out = capsys.readouterr().out
    assert "nothing was measured: this model's translate gives fake_B, real_A." in out


def test_two_processes_measure_what_one_does(paired, tmp_path) -> None:
    line = words("--dataroot", paired, "--model pix2pix --netG resnet_6blocks")
    line += words("--num_threads 0 --val_freq 1 --lr 0 --norm instance")
    runs = {size: trainings(tmp_path / f"{size}", line, size) for size in (1, 2)}
    assert [one.wait() for size in runs for one in runs[size]] == [0, 0, 0]
    one, two = (measured(runs[size][0].folder, "val_psnr") for size in (1, 2))
    assert one == pytest.approx(two, abs=0.002)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (words("--val_freq 1 --val_metrics kid"), "inception are needed|pip install"),
        (words("--val_freq 1 --val_phase nowhere"), "there is no folder"),
    ],
)
def test_what_cannot_be_measured_is_said_before_training(paired, tmp_path, flags, message) -> None:
    with pytest.raises(InputError, match=message):
        run(paired, tmp_path, "n", *flags)
    assert not (tmp_path / "n").exists()


def test_the_command_line_knows_the_metrics() -> None:
    with pytest.raises(ValueError, match="--val_metrics 'l3': choose from l1, psnr"):
        ValidationOptions(val_metrics="l1, l3")
