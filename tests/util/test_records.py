"""metrics.jsonl: what is logged can be read again, whatever happened to the run."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from helpers.record import START, log

from util.logs.logger import At
from util.logs.records import FILE, earlier, lines_until, read_record
from util.logs.sinks.loss_log import LossLogSink
from util.logs.sinks.record import RecordSink
from util.logs.training_page.earlier import events_of
from util.logs.visdom.text import run_text


def losses(path: Path) -> list[float]:
    return [values["G"] for _, values in read_record(path).losses]


def test_what_was_logged_is_read_back(tmp_path: Path) -> None:
    sink = RecordSink(tmp_path / FILE, START)
    at = At(2, 30, 130, 1.5, time=0.25, data=0.5, lr=0.0002)
    sink.losses(at, {"G_A": 1.5, "D_A": math.nan})
    sink.scores(at, {"val_psnr": 20.0})
    sink.health(at, {"score_D_A_real": 0.9})
    assert read_record(tmp_path / FILE).ending == ""
    sink.close("done")

    record = read_record(tmp_path / FILE)
    assert (record.name, record.last_epoch, record.epoch_images) == ("run", 3, 10)
    assert record.options == {"lr": 0.1}
    assert record.losses[0][0] == at
    assert record.losses[0][1]["G_A"] == 1.5
    assert math.isnan(record.losses[0][1]["D_A"])
    assert record.scores == [(at, {"val_psnr": 20.0})]
    assert record.health == [(at, {"score_D_A_real": 0.9})]
    assert record.ending == "done"
    assert record.started <= record.times[0]


def test_a_continued_run_goes_on_in_the_same_record_and_forgets_what_was_lost(tmp_path) -> None:
    path = tmp_path / FILE
    log(path, 1, 2, 3)
    log(path, 2, 3, resumed=(2, 0), ending="done")
    record = read_record(path)
    assert losses(path) == [0.5, 1.0, 1.5]
    assert [values["val_l1"] for _, values in record.scores] == [0.25, 0.5, 0.75]
    assert record.ending == "done"


def test_another_run_of_the_same_name_is_another_record(tmp_path: Path) -> None:
    path = tmp_path / FILE
    log(path, 1, 2, 3, ending="done")
    log(path, 1)
    assert losses(path) == [0.5]
    log(path, 2, resumed=(2, 0))
    assert losses(path) == [0.5, 1.0]
    assert len(path.read_text().splitlines()) == 14  # and the first run's lines stay


@pytest.mark.parametrize("resumed", [None, (2, 0)])
def test_half_a_line_left_by_a_crash_costs_that_line_alone(tmp_path: Path, resumed) -> None:
    path = tmp_path / FILE
    log(path, 1)
    with path.open("a") as file:
        file.write('{"kind": "losses", "epo')
    assert losses(path) == [0.5]
    log(path, 2, resumed=resumed)
    assert losses(path) == ([0.5, 1.0] if resumed else [1.0])


def test_every_line_is_strict_json(tmp_path: Path) -> None:
    path = tmp_path / FILE
    sink = RecordSink(path, {**START, "options": {"num_test": math.inf}})
    sink.losses(At(1, 1, 1, 0.1), {"G": math.inf})

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_a_flipped_bit_costs_a_line_at_most(tmp_path: Path) -> None:
    path = tmp_path / FILE
    log(path, 1, 2, ending="done")
    whole, bits = path.read_bytes(), random.Random(0)
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bits.randrange(8)
        path.write_bytes(damaged)
        record = read_record(path)
        # A line's end that is lost takes the next line with it; a start that is lost leaves the rest nameless.
        assert len(record.losses) + len(record.scores) >= 2
        assert run_text(record)
        assert events_of(record, tmp_path, math.inf)
        assert lines_until(path, 1, 5)


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "losses"}',
        '{"kind": "start", "time": 0, "name": 5, "last_epoch": 1, "epoch_images": 1, "options": {}}',
        '{"kind": "end", "ending": ["done"]}',
        '{"kind": ["losses"]}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "null",
        "\x00\xff",
        '{"kind": "losses", "epoch": 1, "iters": 1, "images": 1, "x": 1e999, "seconds": 0, "data": 0, "lr": 0, '
        '"time": 0, "values": {}}',
        '{"kind": "losses", "epoch": 1, "iters": 1, "images": 1, "x": 1, "seconds": 0, "data": 0, "lr": 0, '
        '"time": 0, "values": {"G": "much"}}',
    ],
)
def test_a_malformed_line_is_left_out_and_that_is_said_once(line, tmp_path, caplog) -> None:
    path = tmp_path / FILE
    log(path, 1)
    with path.open("a") as file:
        file.write(line + "\n" + line + "\n")
    log(path, 2, resumed=(1, 10), ending="done")
    assert losses(path) == [0.5, 1.0]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: left out 2 lines that cannot be read"
    ]


@pytest.mark.parametrize("resumed", [None, (1, 10)])
def test_a_folder_in_the_place_of_a_log_stops_nothing(resumed, tmp_path, caplog) -> None:
    for name in (FILE, "loss_log.txt"):
        (tmp_path / name).mkdir()
    log(tmp_path / FILE, 1, resumed=resumed, ending="done")
    sink = LossLogSink(tmp_path / "loss_log.txt", resumed)
    sink.losses(At(1, 5, 5, 0.5), {"G": 1.0})
    assert earlier(tmp_path / FILE, [(0.5, {"G": 1.0})]).losses[0][1] == {"G": 1.0}
    said = [record.getMessage() for record in caplog.records]
    for name in (FILE, "loss_log.txt"):
        assert sum(f"cannot write {tmp_path / name}" in line for line in said) == 1


def test_a_validation_before_a_kill_is_not_there_twice_once_it_is_made_again(tmp_path) -> None:
    at = At(1, 6, 6, 1.0)
    for resumed in (
        None,
        (1, 6),
        (1, 6),
    ):  # saved at the epoch's last step; killed before the save after it
        sinks = RecordSink(tmp_path / FILE, START, resumed), LossLogSink(tmp_path / "log", resumed)
        for sink in sinks:
            if resumed is None:
                sink.losses(at, {"G": 1.0})
            sink.scores(at, {"val_l1": 0.5})
    record = read_record(tmp_path / FILE)
    assert len(record.losses) == len(record.scores) == 1
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.partition(") ")[2] for line in lines if "iters" in line] == [
        "G: 1.000",
        "val_l1: 0.500",
    ]
    RecordSink(tmp_path / FILE, START, (2, 0))  # saved after the validation
    assert len(read_record(tmp_path / FILE).scores) == 1
