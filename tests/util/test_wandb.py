"""Weights & Biases by its own package, which keeps in files what it would send."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.runs import run
from helpers.wandb import config, history, parts

import test as test_script
from util.logs.logger import At
from util.logs.sinks.wandb import open_wandb, run_identity

pytestmark = pytest.mark.timeout(120)


def recorded(folder: Path, kind: str) -> list:
    """The records of one kind of the run's first start."""
    return [getattr(r, kind) for r in parts(folder)[0] if r.WhichOneof("record_type") == kind]


def test_a_run_and_its_continuation_are_one_run_at_the_count_of_images(
    paired, tmp_path, offline
) -> None:
    flags = ["--use_wandb", "--print_freq", "3", "--display_freq", "6", "--val_freq", "1"]
    folder = run(paired, tmp_path, "kept", *flags)
    run(paired, tmp_path, "kept", *flags, "--n_epochs", "2", "--continue_train")

    first, second = parts(folder)
    steps = {step["_step"]: step for step in history(first)}
    assert list(steps) == [3, 6]
    assert steps[3].keys() >= {"G_GAN", "G_L1", "D_real", "D_fake", "epoch", "learning_rate"}
    assert steps[3]["epoch"] == 0.5
    assert steps[6].keys() >= {"val_l1", "val_psnr", "results/fake_B.path"}
    assert steps[6]["results/fake_B.caption"] == "fake_B - Step 6"
    assert [step["_step"] for step in history(second)] == [9, 12]
    assert config(first)["netG"] == "resnet_6blocks"
    assert config(first)["max_dataset_size"] == "inf"
    ids = {r.run.run_id for part in (first, second) for r in part if r.HasField("run")}
    assert ids == {(folder / "wandb_id.txt").read_text().strip()}
    assert not recorded(folder, "artifact")


def test_another_run_of_the_same_name_is_another_run(tmp_path) -> None:
    first = run_identity(tmp_path, continued=True)
    assert run_identity(tmp_path, continued=True) == first
    assert run_identity(tmp_path, continued=False) != first


def test_networks_are_uploaded_when_asked_for(paired, tmp_path, offline) -> None:
    flags = ["--use_wandb", "--wandb_checkpoints", "--val_freq", "1", "--save_epoch_freq", "1"]
    folder = run(paired, tmp_path, "a run", *flags)
    (artifact,) = recorded(folder, "artifact")
    assert (artifact.name, artifact.type) == ("a_run-networks", "model")
    labels = {entry.path.split("_net_")[0] for entry in artifact.manifest.contents}
    assert labels == {"latest", "best_l1", "best_psnr"}  # and none by its number


def test_a_failed_run_is_called_so_and_uploads_nothing(tmp_path, offline) -> None:
    (tmp_path / "latest_net_G.pth").write_bytes(b"weights")
    (sink,) = open_wandb("project", "run", {}, tmp_path, networks=True)
    sink.losses(At(1, 5, 5, 0.5), {"G": 1.0})
    sink.health(At(1, 5, 5, 0.5), {"D_real": 0.75})
    sink.close("failed")
    assert recorded(tmp_path, "exit")[0].exit_code == 1
    assert history(parts(tmp_path)[0])[0]["health/D_real"] == 0.75
    assert not recorded(tmp_path, "artifact")


def test_without_login_the_run_is_kept_and_a_note_says_how_to_upload_it(
    tmp_path, unreachable, caplog
) -> None:
    began = time.monotonic()
    (sink,) = open_wandb("project", "run", {"lr": 0.1}, tmp_path, identity="abc")
    sink.losses(At(1, 5, 5, 0.5), {"G": 1.0})
    sink.close("done")
    assert time.monotonic() - began < 60
    assert history(parts(tmp_path)[0])[0]["G"] == 1.0
    (note,) = [r.getMessage() for r in caplog.records if r.name == "util.logs.sinks.wandb"]
    assert "cannot be reached" in note
    kept = Path(note.rsplit("wandb sync ", 1)[1])
    assert list(kept.glob("*.wandb"))


def test_a_test_logs_its_images_as_a_run_of_its_own(paired, tmp_path, offline) -> None:
    folder = run(paired, tmp_path, "tested")
    where = ["--checkpoints_dir", str(tmp_path), "--name", "tested", "--dataroot", str(paired)]
    words = [*where, "--results_dir", str(tmp_path / "results"), "--model", "pix2pix"]
    assert test_script.main([*words, "--gpu_ids", "-1", "--use_wandb"]) == 0
    (records,) = parts(folder)
    assert [step["_step"] for step in history(records)] == [1, 2, 3]
    assert not (folder / "wandb_id.txt").exists()
