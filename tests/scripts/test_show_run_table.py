"""The table that spreadsheets read of a run."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.runs import ROOT

from util.logs.logger import At
from util.logs.records import FILE
from util.logs.sinks.record import RecordSink

pytestmark = pytest.mark.usefixtures("warm")


def export(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(ROOT / "scripts/show_run.py"), "table", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_every_count_of_images_is_a_row_and_every_name_a_column(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    sink = RecordSink(folder / FILE, {"name": "run", "last_epoch": 2, "epoch_images": 10, "options": {}})  # fmt: skip
    for epoch in (1, 2):
        middle = At(epoch, 5, 10 * epoch - 5, epoch - 0.5, time=0.5, lr=0.1)
        sink.losses(middle, {"G": epoch / 2, "D": math.nan})
        sink.health(middle, {"D_real": 0.75})
        sink.scores(At(epoch, 10, 10 * epoch, float(epoch)), {"val_l1": epoch / 4})
    done = export("run", "--checkpoints_dir", str(tmp_path))
    assert done.stdout == f"4 rows: {folder / 'metrics.csv'}\n", done.stderr

    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["images"] for row in rows] == ["5", "10", "15", "20"]
    assert [row["G"] for row in rows] == ["0.5", "", "1.0", ""]
    assert [row["D"] for row in rows] == [""] * 4
    assert [row["D_real"] for row in rows] == ["0.75", "", "0.75", ""]
    assert [row["val_l1"] for row in rows] == ["", "0.25", "", "0.5"]
    assert (rows[2]["epoch"], rows[2]["epochs_done"], rows[2]["learning_rate"]) == ("2", "1.5", "0.1")  # fmt: skip


def test_a_run_that_is_not_there_and_a_file_that_cannot_be_written_are_named(tmp_path) -> None:
    done = export("none", "--checkpoints_dir", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot read {tmp_path / 'none' / FILE}")
    (tmp_path / FILE).touch()
    done = export(
        ".", "--checkpoints_dir", str(tmp_path), "--out", str(tmp_path / FILE / "such.csv")
    )
    assert done.returncode == 1
    assert "such.csv" in done.stderr
