"""The fixed examples of a training: the same images in every epoch, and a training that does not notice them."""

from __future__ import annotations

import logging

import pytest
from helpers.runs import assert_same, content, run
from helpers.training_page import read_training_page
from PIL import Image

import test
from models.pix2pix_model import Pix2PixModel
from util.logs.records import FILE, read_record

DROPOUT_AND_BATCH_NORM = ["--norm", "batch", "--batch_size", "2", "--n_epochs", "2"]


@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan"])
def test_a_training_with_examples_is_the_same_to_the_last_bit(
    model, paired, unpaired, tmp_path
) -> None:
    data = paired if model == "pix2pix" else unpaired
    flags = ["--dropout", *DROPOUT_AND_BATCH_NORM]
    folders = [
        run(data, tmp_path, f"n{count}", *flags, "--examples", str(count), model=model)
        for count in (0, 3)
    ]
    assert_same(*map(content, folders))
    shown = [read_training_page(folder / "web").examples for folder in folders]
    assert [len(each) for each in shown] == [0, 2]


def test_examples_are_the_same_images_of_val_in_every_epoch(paired, tmp_path) -> None:
    folder = run(paired, tmp_path, "n", "--n_epochs", "3")
    page = read_training_page(folder / "web")
    assert page.run["examples"] == {"phase": "val", "names": ["000", "001"]}
    assert page.examples == {epoch: ["real_A", "fake_B", "real_B"] for epoch in (1, 2, 3)}
    assert read_record(folder / FILE).examples == page.run["examples"]
    made = [(folder / f"web/examples/epoch00{n}_1_fake_B.png").read_bytes() for n in (1, 2, 3)]
    assert len(set(made)) == 3


def test_examples_are_what_test_py_makes_of_the_images(paired, tmp_path) -> None:
    folder = run(paired, tmp_path / "c", "n", "--dropout", "--batch_size", "2", "--norm", "batch")
    where = ["--dataroot", str(paired), "--name", "n", "--checkpoints_dir", str(tmp_path / "c")]
    results = ["--results_dir", str(tmp_path / "r"), "--phase", "val", "--model", "pix2pix"]
    assert test.main([*where, *results, "--gpu_ids", "-1"]) == 0
    for label, start in (("real_A", ""), ("fake_B", "epoch001_")):
        shown = folder / f"web/examples/{start}2_{label}.png"
        tested = tmp_path / f"r/n/val_latest/images/001_{label}.png"
        with Image.open(shown) as one, Image.open(tested) as other:
            assert one.tobytes() == other.tobytes()


def test_where_there_is_no_val_they_are_spread_over_the_training_images(unpaired, tmp_path) -> None:
    folder = run(unpaired, tmp_path, "n", "--examples", "3", model="cycle_gan")
    examples = read_training_page(folder / "web").run["examples"]
    assert examples == {"phase": "train", "names": ["000", "002", "004"]}


def test_examples_that_fail_cost_a_warning_and_not_the_training(
    paired, tmp_path, monkeypatch, caplog
) -> None:
    def fail(self, batch):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Pix2PixModel, "translate", fail)
    with caplog.at_level(logging.WARNING):
        folder = run(paired, tmp_path, "n", "--n_epochs", "2")
    assert caplog.text.count("the fixed examples are left out from here on: out of memory") == 1
    assert not read_training_page(folder / "web").examples
