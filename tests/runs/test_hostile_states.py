"""States with odd insides: --continue_train says so in one message, whatever they hold."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import content, run

from models import Adam, create_model
from models.training.resume import resume
from options.model_options import Pix2PixOptions
from options.train_options import TrainOptions
from util.checkpoints import files as checkpoint
from util.checkpoints import names
from util.checkpoints.restore import read_state, restore
from util.errors import InputError
from util.training.progress import Progress

SIZES = {"netG": "resnet_6blocks", "ngf": 2, "ndf": 2, "norm": "batch"}


@pytest.fixture(scope="module")
def state(paired: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    words = "--ngf 2 --ndf 2 --norm batch --pool_size 4 --ema 0.9 --val_freq 1 --print_freq 1"
    folder = run(paired, tmp_path_factory.mktemp("runs"), "n", *words.split())
    return checkpoint.load(folder / names.STATE_FILE)


def continued(state: Any, folder: Path) -> None:
    """Saves the state, reads it and puts it into a model."""
    path = folder / names.STATE_FILE
    checkpoint.save(path, state)
    model = create_model(Pix2PixOptions(**SIZES, pool_size=4), adam=Adam())
    model.average(0.9)
    restore(read_state(path), model, Progress(), path)


def moments(state: Any) -> Any:
    return state["stateful"]["optimizer_G"]["state"]


def put(place: Callable[[Any], Any], name: Any, value: Any) -> Callable[[Any], None]:
    """Sets place(state)[name]."""

    def change(state: Any) -> None:
        place(state)[name] = value

    return change


def first(state: Any) -> Any:
    return moments(state)[0]


def pool(state: Any) -> Any:
    return state["stateful"]["pool_AB"]


CHANGES = {
    "moments of one value": put(first, "exp_avg", torch.zeros(1)),
    "both moments of one value": lambda s: first(s).update(
        exp_avg=torch.zeros(1), exp_avg_sq=torch.zeros(1)
    ),
    "moments transposed": lambda s: first(s).update(exp_avg=first(s)["exp_avg"].mT.contiguous()[:1]),
    "moments of whole numbers": put(first, "exp_avg", torch.zeros(2, 3, 7, 7, dtype=torch.int64)),
    "moments of words": put(first, "exp_avg", "many"),
    "moments missing": lambda s: first(s).pop("exp_avg_sq"),
    "moments of one parameter missing": lambda s: moments(s).pop(0),
    "moments are words": put(lambda s: moments(s), 0, "many"),
    "moments by words": lambda s: s["stateful"]["optimizer_G"].update(
        state={str(k): v for k, v in moments(s).items()}
    ),
    "step of two elements": put(first, "step", torch.ones(2)),
    "step is NaN": put(first, "step", torch.tensor(float("nan"))),
    "step is a word": put(first, "step", "three"),
    "groups of words": put(lambda s: s["stateful"]["optimizer_G"], "param_groups", ["a", "b"]),
    "pool of words": put(pool, "images", ["a", "b"]),
    "pool of vectors": put(pool, "images", [torch.zeros(3)]),
    "pool of several kinds": put(pool, "images", [torch.zeros(3, 8, 8), torch.zeros(5, 8, 8)]),
    "pool of whole numbers": put(pool, "images", [torch.zeros(3, 8, 8, dtype=torch.int32)]),
    "pool without a state of chance": lambda s: pool(s).pop("rng"),
    "chance of words": put(pool, "rng", ["a", "b", "c"]),
    "chance of too few numbers": put(pool, "rng", [3, [1, 2], None]),
    "averages of words": put(lambda s: s["stateful"]["averages"], "updates", "many"),
    "averages counted to infinity": put(lambda s: s["stateful"]["averages"], "updates", 1e999),
    "count of words": put(lambda s: s["stateful"]["count"], "steps", "x"),
    "network of numbers": put(lambda s: s["networks"]["G"], "model.1.weight", 3),
    "network of complex numbers": lambda s: s["networks"]["G"].update(
        {k: v + 0j for k, v in s["networks"]["G"].items()}
    ),
    "network is a list": put(lambda s: s["networks"], "G", [1]),
    "best of words": put(lambda s: s["progress"], "best", {"l1": "good"}),
    "metric of words": put(lambda s: s["progress"], "metric", ["a"]),
    "curve of words": put(lambda s: s["progress"], "curve", ["ab"]),
    "curve of numbers": put(lambda s: s["progress"], "curve", [1, 2]),
    "curve of losses in words": put(lambda s: s["progress"], "curve", [[1.0, {"G": "low"}]]),
    "an epoch without end": put(lambda s: s["progress"], "epoch", 10**30),
    "an epoch of a fraction": put(lambda s: s["progress"], "epoch", 1.5),
}  # fmt: skip


def test_a_state_is_put_back_as_it_was_saved(state, tmp_path) -> None:
    continued(state, tmp_path)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_odd_insides_end_in_one_message(state, tmp_path, change) -> None:
    changed = copy.deepcopy(state)
    change(changed)
    with pytest.raises(InputError, match="does not fit|is not a saved training state"):
        continued(changed, tmp_path)


ODD = [3, "x", None, [], {"stateful": 3}, {"stateful": {"pool_AB": {}}, "position": "x"}]


@pytest.mark.parametrize("own", ODD, ids=str)
def test_odd_parts_of_other_processes_end_in_one_message(paired, state, tmp_path, own) -> None:
    changed = {**copy.deepcopy(state), "other_processes": [own]}
    checkpoint.save(tmp_path / "n" / names.STATE_FILE, changed)
    words = f"--dataroot {paired} --name n --checkpoints_dir {tmp_path} --model pix2pix"
    words += (
        " --netG resnet_6blocks --ngf 2 --ndf 2 --norm batch --pool_size 4 --ema 0.9 --gpu_ids -1"
    )
    options = TrainOptions.parse([*words.split(), "--continue_train"])
    model = create_model(options.model, adam=Adam())
    model.average(0.9)
    with pytest.raises(InputError, match="is not a saved training state"):
        resume(model, Progress(), options, 6)


def test_flags_and_versions_that_are_no_text_are_passed_over(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--ngf", "2", "--ndf", "2")
    state = checkpoint.load(folder / names.STATE_FILE)
    state |= {"flags": {"lr": torch.ones(2), 3: 4}, "versions": [1], "job": 3, "labels": 3}
    checkpoint.save(folder / names.STATE_FILE, state)
    run(paired, tmp_path, "n", "--ngf", "2", "--ndf", "2", "--n_epochs", "2", "--continue_train")
    assert content(folder)["progress"]["epoch"] == 3


def test_another_generator_is_named_before_its_parts(paired, tmp_path) -> None:
    run(paired, tmp_path, "n", "--ngf", "2", "--ndf", "2")
    words = ("--ngf", "2", "--ndf", "2", "--n_epochs", "2", "--continue_train")
    with pytest.raises(InputError) as error:
        run(paired, tmp_path, "n", *words, "--netG", "resnet_9blocks", "--norm", "batch")
    assert str(error.value).startswith(
        "this run was made with --netG resnet_6blocks, not resnet_9blocks"
    )
    assert len(str(error.value)) < 600
