"""What a continued run has shown before, where its files are old or incomplete."""

from __future__ import annotations

import math
from pathlib import Path

from util.logs.records import FILE, earlier
from util.logs.sinks.record import RecordSink
from util.logs.visdom.text import images_a_second, state

START = {"name": "run", "last_epoch": 3, "epoch_images": 10, "options": {}}
CURVE = [(0.5, {"G": 2.0}), (1.0, {"val_l1": 0.5}), (1.5, {"G": 1.0})]


def test_a_run_from_before_there_was_a_record_has_its_state_s_curves(tmp_path: Path) -> None:
    RecordSink(tmp_path / FILE, START)
    for record in (earlier(tmp_path / FILE, CURVE), earlier(tmp_path / "none", CURVE)):
        assert [(at.x, values) for at, values in record.losses] == [CURVE[0], CURVE[2]]
        assert [(at.x, values) for at, values in record.scores] == [CURVE[1]]
        assert math.isnan(record.losses[0][0].lr)
        assert images_a_second(record) == 0
        assert state(record)["epoch"].startswith("2 of")


def test_the_record_counts_for_more_than_the_state(tmp_path: Path) -> None:
    sink = RecordSink(tmp_path / FILE, START)
    for at, values in earlier(tmp_path / FILE, CURVE).losses:
        sink.losses(at, {"G": values["G"] + 1})
    assert [values["G"] for _, values in earlier(tmp_path / FILE, CURVE).losses] == [3, 2]
