"""Curves of several precisions and seeds, from runs that are complete."""

from __future__ import annotations

import pytest
import torch

from scripts.dev import compare_precision
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


def write_run(folder, losses: list[float]) -> None:
    folder.mkdir(parents=True)
    curve = [[i / 10, {"G": loss}] for i, loss in enumerate(losses)]
    torch.save({"progress": {"curve": curve}}, folder / "latest_state.pth")
    (folder / "done").touch()


def test_distances_are_measured_in_spreads_of_seeds(tmp_path, capsys) -> None:
    for precision, start in (("fp32", 1.0), ("bf16", 1.5)):
        for seed in range(3):
            write_run(tmp_path / f"{precision}_{seed}", [start + seed] * 8)
    assert compare_precision.main(["--out", str(tmp_path), "--points", "4"]) == 0
    out = capsys.readouterr().out
    assert "| G | fp32 | 1.000, 2.000, 3.000 | 0.00 |" in out
    assert "| G | bf16 | 1.500, 2.500, 3.500 | 0.50 |" in out  # seeds spread by 1
    assert (tmp_path / "precision.png").read_bytes().startswith(b"\x89PNG")


def test_a_training_that_fails_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"training failed, see .*/fp32_0\.log"):
        compare_precision.main(["--out", str(tmp_path), "--", "--dataroot", str(tmp_path)])
    assert "there is no folder" in (tmp_path / "fp32_0.log").read_text()
