"""scripts/evaluate.py on checkpoints: they are tested first, then compared as results are."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from helpers.runs import run

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts import evaluate
from scripts.lib.evaluation.checkpoints import Checkpoint, checkpoints_at, training_images
from util.errors import InputError


@pytest.fixture(scope="module")
def trained(paired, tmp_path_factory) -> Path:
    """A run with averages and best checkpoints."""
    flags = ("--ema", "0.9", "--val_freq", "1", "--n_epochs", "2")
    return run(paired, tmp_path_factory.mktemp("evaluated"), "mine", *flags)


def report(out: Path, *words: object) -> list[dict]:
    flags = ["--gpu_ids", "-1", "--metrics", "l1,psnr", "--out", str(out)]
    assert evaluate.main([*map(str, words), *flags]) == 0
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_a_folder_of_checkpoints_is_latest_and_best_raw_and_averaged(trained) -> None:
    found = [(each.label, each.averaged) for each in checkpoints_at(trained)]
    assert found[:2] == [("latest", False), ("latest", True)]
    assert set(found[2:]) == {(f"best_{m}", ema) for m in ("l1", "psnr") for ema in (False, True)}
    assert checkpoints_at(trained / "2_net_G.pth") == [Checkpoint(trained, "2", False)]


def test_what_is_saved_of_a_run_stands_side_by_side_with_the_trivial_answers(
    trained, tmp_path, capsys
) -> None:
    (table,) = report(tmp_path, trained)
    rows = {row["name"]: row for row in table["rows"]}
    assert rows.keys() >= {
        "mine/test_latest", "mine/test_latest_ema", "mine/test_best_l1", "mine/test_best_l1_ema",
        "input as output", "mean training image",
    }  # fmt: skip
    values = {name: row["metrics"]["l1"]["value"] for name, row in rows.items()}
    assert values["mine/test_latest"] != values["mine/test_latest_ema"]
    assert "$ python test.py --dataroot" in capsys.readouterr().out


def test_seeds_are_pooled_from_their_latest_checkpoints(trained, tmp_path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    (table,) = report(tmp_path / "out", "--group", f"ours={trained},{other}")
    (row,) = [row for row in table["rows"] if not row["trivial"]]
    assert (row["name"], row["seeds"]) == ("ours", 2)
    assert row["metrics"]["l1"]["sd_over_seeds"] == 0  # the same weights


def test_one_file_is_one_checkpoint_and_test_flags_reach_test_py(trained, tmp_path) -> None:
    (table,) = report(tmp_path, trained / "2_net_G.pth", "--test_flags", "--phase val --num_test 1")
    (row,) = [row for row in table["rows"] if not row["trivial"]]
    assert row["metrics"]["l1"]["n_fake"] == 1
    assert (tmp_path / "results/0/mine/val_2/index.html").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "options.json").unlink(), "options.json does not tell"),
        (
            lambda folder: (folder / "latest_net_G.pth").write_bytes(b"no weights"),
            "latest_net_G.pth",
        ),
        (lambda folder: [f.unlink() for f in folder.glob("[lb]*_net_G*.pth")], "name a file in it"),
    ],
)
def test_checkpoints_that_cannot_be_tested_are_refused(trained, tmp_path, spoil, words) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(trained, folder)
    spoil(folder)
    with pytest.raises(InputError, match=words):
        report(tmp_path / "out", folder)


def test_flags_that_test_py_does_not_know_are_refused(trained, tmp_path) -> None:
    with pytest.raises(InputError, match="does not take these flags: --nonsense 1"):
        report(tmp_path, trained / "2_net_G.pth", "--test_flags", "--nonsense 1")


def test_training_images_are_known_where_results_have_their_domains(tmp_path) -> None:
    def checkpoint(name: str, **flags: str) -> Checkpoint:
        (tmp_path / name).mkdir()
        content = {"flags": {"model": "m", "dataroot": str(tmp_path), **flags}}
        (tmp_path / name / "options.json").write_text(json.dumps(content))
        return Checkpoint(tmp_path / name, "latest", False)

    (tmp_path / "train").mkdir()
    there = checkpoint("a", dataset_mode="aligned", direction="AtoB")
    back = checkpoint("b", dataset_mode="aligned", direction="BtoA")
    free = checkpoint("c", dataset_mode="unaligned", direction="AtoB")
    swapped = checkpoint("d", dataset_mode="unaligned", direction="BtoA")
    assert training_images([there]) == (tmp_path / "train", "right")
    assert training_images([back]) == (tmp_path / "train", "left")
    assert training_images([free]) == (tmp_path, "right")
    assert training_images([swapped]) is None
    assert training_images([there, back]) is None
