"""scripts/distill.py: a narrower generator that does what its teacher does, and a table that says how well."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from helpers.runs import run

from models import Adam, create_model, load_translator
from models.distill_model import DistillOptions
from models.pix2pix_model import truth_losses
from scripts import distill
from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.errors import InputError

TINY = {"ngf": 1, "ndf": 2, "netG": "resnet_6blocks", "no_dropout": True}


@pytest.fixture
def runs(checkpoints: Path, tmp_path: Path) -> Path:
    """A copy of the small runs, to put students beside."""
    return Path(shutil.copytree(checkpoints, tmp_path / "runs"))


def student_of(teacher: Path, **flags):
    return create_model(
        DistillOptions(model="distill", teacher=str(teacher), **{**TINY, **flags}),
        adam=Adam(lr=0.01),
    )


def batch_of(size: int = 32) -> dict:
    torch.manual_seed(0)
    images = {side: torch.rand(1, 3, size, size) * 2 - 1 for side in "AB"}
    return {**images, "A_paths": ["a"], "B_paths": ["b"]}


def test_a_student_comes_to_do_what_its_teacher_does(runs) -> None:
    model = student_of(runs / "plain", ngf=8, lambda_L1=0.0, lambda_GAN=0.0)
    batch = batch_of()
    losses = [float(model.train_step(batch).losses["G_teacher"]) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_losses_are_those_of_the_teachers_kind(runs) -> None:
    step = student_of(runs / "plain").train_step(batch_of())
    assert list(step.losses) == ["G_GAN", "G_teacher", "G_L1", "D_real", "D_fake"]
    taught = load_translator(runs / "plain", device="cpu")(batch_of()["A"])
    assert torch.allclose(step.visuals["teacher_B"], taught, atol=1e-5)
    difference = (step.visuals["fake_B"] - taught).abs().mean()
    assert step.losses["G_teacher"] == pytest.approx(100 * float(difference), rel=1e-4)
    step = student_of(runs / "plain", lambda_perceptual=2.0).train_step(batch_of())
    assert list(step.losses)[:4] == ["G_GAN", "G_teacher", "G_L1", "G_perceptual"]
    step = student_of(runs / "cycle", lambda_teacher=0.0, lambda_GAN=0.0).train_step(batch_of())
    assert list(step.losses) == ["G_teacher", "G_cycle"]


def test_a_student_of_pairs_learns_the_truth_as_pix2pix_does(runs) -> None:
    model = student_of(runs / "plain", loss_reconstruction="l2", lambda_L1=7.0)
    step = model.train_step(batch_of())
    wanted = truth_losses(model.options, step.visuals["fake_B"], step.visuals["real_B"])
    squares = (step.visuals["fake_B"] - step.visuals["real_B"]).square()
    assert float(wanted["G_L1"]) == pytest.approx(7 * float(squares.mean()), rel=1e-4)
    assert {name: float(step.losses[name]) for name in wanted} == pytest.approx(
        {name: float(loss) for name, loss in wanted.items()}, rel=1e-4
    )


def test_pixels_of_no_class_teach_a_student_nothing_but_what_its_teacher_does(runs) -> None:
    batch = batch_of()
    batch["B"] = torch.full_like(batch["B"], -1)
    batch["B"][:, 2, :, :16] = 1
    step = student_of(runs / "plain", label_B=3).train_step(batch)
    known = step.visuals["fake_B"][..., :16] - batch["B"][..., :16]
    assert float(step.losses["G_L1"]) == pytest.approx(100 * float(known.abs().mean()), rel=1e-4)
    assert torch.equal(step.visuals["fake_B"][..., 16:], batch["B"][..., 16:])


def test_a_teacher_may_be_asked_with_the_statistics_of_its_training(runs) -> None:
    step = student_of(runs / "plain", teacher_norm="running").train_step(batch_of())
    teacher = load_translator(runs / "plain", device="cpu", running_statistics=True)
    assert torch.allclose(step.visuals["teacher_B"], teacher(batch_of()["A"]), atol=1e-5)


def test_the_cycle_through_the_teacher_trains_the_student_alone(runs) -> None:
    model = student_of(runs / "cycle", lambda_teacher=0.0, lambda_GAN=0.0)
    teachers = [*model.frozen_networks.values()]
    assert len(teachers) == 2
    before = [p.clone() for net in teachers for p in net.parameters()]
    first = [p.clone() for p in model.G.parameters()]
    model.train_step(batch_of())
    assert all(
        torch.equal(a, b)
        for a, b in zip(before, (p for net in teachers for p in net.parameters()), strict=True)
    )
    assert not any(torch.equal(a, b) for a, b in zip(first[:1], model.G.parameters(), strict=False))
    assert set(model.networks()) == {"G"}  # which is what is saved


@pytest.mark.parametrize(("name", "direction"), [("plain", "BtoA"), ("cycle", "BtoA")])
def test_a_student_is_trained_saved_and_compared(name, direction, runs, capsys) -> None:
    words = ["--checkpoints_dir", str(runs), "--name", name, "--direction", direction, "--ngf", "1"]
    words += ["--student", "small", "--rounds", "2", "--n_epochs", "1", "--n_epochs_decay", "0"]
    words += ["--gpu_ids", "-1", "--num_threads", "0", "--display_id", "-1"]
    words += ["--norm_policy", "running" if name == "plain" else "image"]
    assert distill.main(words) == 0
    asked = (runs / "small/train_opt.txt").read_text()
    assert re.search(rf"teacher_norm: {words[-1]}\b", asked)
    report = (runs / "small/distilled.md").read_text()
    assert report in capsys.readouterr().out
    teacher, student = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.splitlines()
        if re.match(r"\| (teacher|student)", line)
    ]
    assert student[0] == "student: resnet_6blocks, ngf 1"
    for column in (1, 2, 3):  # parameters, MB, MACs
        assert float(student[column].replace(",", "")) < float(teacher[column].replace(",", ""))
    assert bool(student[5]) == (name == "plain")  # the truth is known of pairs
    assert float(student[7]) > 0  # not the teacher itself
    assert teacher[7] == ""
    assert load_translator(runs / "small", direction="BtoA", device="cpu").input_nc == 3


def test_counted_multiplications_are_those_of_the_formula(runs) -> None:
    from models.inference.find_generator import find_generator
    from scripts.lib.distillation.comparison import count_macs
    from scripts.lib.exporting.generator import open_generator

    ngf, side = 2, 32
    stem = 3 * ngf * 49 * side**2
    ends = stem + ngf * 3 * 49 * side**2
    down = 2 * ngf**2 * 9 * (side // 2) ** 2 + 8 * ngf**2 * 9 * (side // 4) ** 2
    up = 8 * ngf**2 * 9 * (side // 4) ** 2 + 2 * ngf**2 * 9 * (side // 2) ** 2
    blocks = 12 * (4 * ngf) ** 2 * 9 * (side // 4) ** 2
    generator = open_generator(find_generator(runs / "cycle"))
    assert count_macs(generator, torch.zeros(1, 3, side, side)) == ends + down + up + blocks


def test_a_teacher_is_needed_and_has_to_fit(paired, unpaired, runs, tmp_path) -> None:
    with pytest.raises(InputError, match="--model distill needs --teacher"):
        student_of("")
    with pytest.raises(InputError, match="--input_nc 3 --output_nc 3"):
        student_of(runs / "plain", input_nc=1)
    with pytest.raises(InputError, match="is the teacher"):
        distill.main(["--checkpoints_dir", str(runs), "--name", "plain", "--student", "plain"])
    (runs / "plain/options.json").unlink()
    with pytest.raises(InputError, match="has no options.json"):
        distill.main(["--checkpoints_dir", str(runs), "--name", "plain"])


def test_a_student_goes_on_training_from_its_state(paired, runs) -> None:
    teacher = ("--teacher", str(runs / "plain"), "--norm", "batch", "--ngf", "1", "--ndf", "2")
    folder = run(paired, runs, "going", *teacher, model="distill")
    run(paired, runs, "going", *teacher, "--continue_train", "--n_epochs", "2", model="distill")
    assert checkpoint.load(folder / names.STATE_FILE)["progress"]["epoch"] == 3
