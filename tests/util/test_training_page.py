"""What the training page is made of: it grows at a constant cost, and survives kills, full disks and other runs."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.runs import run
from helpers.training_page import log_epochs, open_sink, read_training_page

from scripts import show_run
from util.errors import InputError
from util.logs.logger import At
from util.logs.records import FILE, images_by_epoch, read_record
from util.logs.sinks.record import RecordSink
from util.logs.training_page.earlier import rebuild
from util.logs.training_page.sink import PageSink
from util.logs.training_page.stream import SIZE, Stream, point


def files_of(web: Path) -> dict[Path, tuple[int, int]]:
    """File -> which one it is on the disk, and its size."""
    found = {path: path.stat() for path in web.rglob("*") if path.is_file()}
    return {path: (stat.st_ino, stat.st_size) for path, stat in found.items()}


def written_since(before: dict[Path, tuple[int, int]], web: Path) -> dict[str, int]:
    """Name -> size of the files that have been rewritten."""
    return {p.name: size for p, (n, size) in files_of(web).items() if before.get(p, (0, 0))[0] != n}


def test_an_update_writes_as_little_after_ten_thousand_points_as_after_fifty(
    tmp_path: Path,
) -> None:
    values = {f"loss_{i}": 0.123456 for i in range(8)}

    def after(events: int) -> int:
        stream = Stream(tmp_path / str(events), {})
        for i in range(events):
            stream.add(point("losses", At(1, i % 1000, i, i / 1000), values, 1.6e9 + i))
        stream.write()
        before = files_of(tmp_path)
        stream.add(point("losses", At(1, 1, events, 1.0), values, 1.6e9))
        stream.write()
        return sum(written_since(before, tmp_path).values())

    few, many = after(50), after(20 * SIZE + 50)
    assert many < 1.1 * few < 30_000


def test_only_the_last_file_of_data_is_ever_written_again(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, *range(1, 101))  # 100 * 12 events
    before = files_of(tmp_path)
    log_epochs(sink, 101)
    assert {name for name in written_since(before, tmp_path) if name.endswith(".js")} == {
        "00002.js",
        "now.js",
    }


def test_everything_that_is_logged_is_on_the_page(tmp_path: Path) -> None:
    sink = open_sink(tmp_path)
    sink.losses(At(1, 5, 5, 0.5, 0.25, 0.125, 0.002), {"G": 1 / 3, "D": math.nan})
    sink.health(At(1, 5, 5, 0.5), {"D_real": 0.7})
    log_epochs(sink, *range(1, 31))
    sink.close("stopped")
    shown = read_training_page(tmp_path)
    assert shown.events[0][:-2] == ["losses", 1, 5, 5, 0.5, 0.25, 0.125, 0.002]
    assert shown.events[0][-1] == {"G": 0.333333, "D": None}
    assert shown.events[1][0] == "health"
    assert shown.losses("G")[1:] == pytest.approx([e + n / 100 for e in range(1, 31) for n in range(1, 11)])  # fmt: skip
    assert shown.epochs == {epoch: ["real_A", "fake_B"] for epoch in range(1, 31)}
    assert shown.now["ending"] == "stopped"


def test_whoever_reads_while_it_is_written_finds_whole_files(tmp_path: Path) -> None:
    sink, seen, ended = open_sink(tmp_path), [], threading.Event()
    log_epochs(sink, 1)

    def read() -> None:
        while not ended.is_set():
            for file in ("now", "00000", "run"):
                seen.append((tmp_path / f"data/{file}.js").read_text().endswith(");\n"))

    reader = threading.Thread(target=read)
    reader.start()
    log_epochs(sink, *range(2, 15))
    ended.set()
    reader.join()
    assert len(seen) > 100
    assert all(seen)


def test_updates_are_put_off_when_points_come_fast_and_none_is_lost(tmp_path: Path) -> None:
    sink = open_sink(tmp_path, interval=1000.0)
    before = files_of(tmp_path)
    for i in range(1, 300):
        sink.losses(At(1, i, i, i / 300), {"G": float(i)})
    assert not written_since(before, tmp_path)
    sink.close("done")
    assert read_training_page(tmp_path).losses("G") == list(range(1, 300))


def test_a_disk_that_refuses_for_a_while_costs_no_point(tmp_path: Path, caplog) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, 1)
    (tmp_path / "data").rename(tmp_path / "away")
    (tmp_path / "data").write_text("a file where a folder should be")
    log_epochs(sink, 2, 3)
    (tmp_path / "data").unlink()
    (tmp_path / "away").rename(tmp_path / "data")
    log_epochs(sink, 4)
    shown = read_training_page(tmp_path)
    assert len(shown.losses("G")) == 40
    assert [*shown.epochs] == [1, 2, 3, 4]
    assert caplog.text.count("the training page is not up to date") == 1


def test_an_earlier_run_of_the_same_name_leaves_nothing_on_the_page(tmp_path: Path) -> None:
    log_epochs(open_sink(tmp_path), *range(1, 101))  # 1,200 events: several files
    log_epochs(open_sink(tmp_path), 1)
    assert len(read_training_page(tmp_path).events) == 11
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["00000.js", "now.js", "run.js"]  # fmt: skip


def test_images_are_written_when_update_html_freq_says_or_the_last_are_old(
    tmp_path: Path, monkeypatch
) -> None:
    sink = open_sink(tmp_path)
    file = tmp_path / "images/epoch001_fake.png"

    def shade_after(run_images: int, epoch: int = 1) -> int:
        image = np.full((4, 4), run_images % 256, np.uint8)
        sink.images(At(epoch, run_images, run_images, 0.1), {"fake": image})
        from PIL import Image

        with Image.open(file) as picture:
            return picture.getpixel((0, 0))

    assert shade_after(10) == 10
    assert shade_after(900) == 10
    assert shade_after(1001) == 1001 % 256
    assert shade_after(1002, epoch=2) == 1001 % 256
    assert (tmp_path / "images/epoch002_fake.png").exists()
    monkeypatch.setattr("util.logs.training_page.sink.LONGEST", -1.0)
    assert shade_after(10) == 10
    assert shade_after(20) == 20


def test_steps_without_losses_still_tell_where_the_training_stands(
    paired, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("util.logs.reporter.QUIET", -1.0)
    told, tell = [], PageSink.position

    def position(sink: PageSink, at: At) -> None:
        tell(sink, at)
        told.append(read_training_page(tmp_path / "n/web").now["at"])

    monkeypatch.setattr(PageSink, "position", position)
    run(paired, tmp_path, "n", "--print_freq", "1000", "--n_epochs", "2")
    assert told == [
        [1, 0, 0], *([1, n, n] for n in range(1, 7)), *([2, n, 6 + n] for n in range(1, 6)), [3, 0, 12]
    ]  # fmt: skip


FLAGS = ["--display_freq", "1", "--print_freq", "1", "--val_freq", "1"]


def test_a_continued_run_goes_on_on_its_page_as_if_never_stopped(paired, tmp_path) -> None:
    whole = run(paired, tmp_path, "whole", *FLAGS, "--n_epochs", "2")
    run(paired, tmp_path, "part", *FLAGS)
    part = run(paired, tmp_path, "part", *FLAGS, "--n_epochs", "2", "--continue_train")
    one, two = read_training_page(whole / "web"), read_training_page(part / "web")
    assert len(one.losses("G_L1")) == 12
    assert one.losses("G_L1") == two.losses("G_L1")
    assert one.epochs == two.epochs == {1: ["real_A", "fake_B", "real_B"], 2: ["real_A", "fake_B", "real_B"]}  # fmt: skip
    assert len([event for event in two.events if event[0] == "scores"]) == 2
    assert two.run["before"] == 9


def test_a_page_is_made_again_from_the_record(paired, tmp_path, capsys) -> None:
    folder = run(paired, tmp_path, "n", *FLAGS, "--n_epochs", "2")
    shown = read_training_page(folder / "web")
    for file in [folder / "web/index.html", *(folder / "web/data").iterdir()]:
        file.unlink()
    assert show_run.main(["page", "n", "--checkpoints_dir", str(tmp_path)]) == 0
    assert str(folder / "web/index.html") in capsys.readouterr().out
    again = read_training_page(folder / "web")
    assert [event[:5] + event[9:] for event in again.events] == [
        event[:5] + event[9:] for event in shown.events
    ]
    assert again.epochs == shown.epochs
    assert again.now["ending"] == "done"
    assert again.run["commands"] == shown.run["commands"]


@pytest.mark.parametrize(
    "labels",
    [
        ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B"),
        ("real_A", "fake_B", "real_B", "idt_B"),
    ],
)
def test_images_keep_the_models_order_in_a_copy_that_lost_their_times(tmp_path, labels) -> None:
    for label in sorted(labels):
        (tmp_path / f"epoch001_{label}.png").touch()
        os.utime(tmp_path / f"epoch001_{label}.png", (1e9, 1e9))
    assert list(images_by_epoch(tmp_path, 1)[1]) == list(labels)


def test_a_page_is_not_made_again_under_a_training_or_without_a_record(tmp_path: Path) -> None:
    words = ["page", "n", "--checkpoints_dir", str(tmp_path)]
    with pytest.raises(InputError, match=r"cannot read .*metrics\.jsonl \(No such file"):
        show_run.main(words)
    log_epochs(open_sink(tmp_path / "n/web", "n"), 1)
    with pytest.raises(InputError, match="n is being trained"):
        show_run.main(words)


def test_why_a_run_failed_is_on_its_page_and_in_its_record(paired, tmp_path) -> None:
    flags = ["--lr", "1e11", "--gan_mode", "lsgan", "--print_freq", "1", "--n_epochs", "9"]
    with pytest.raises(InputError, match="became NaN"):
        run(paired, tmp_path, "n", *flags)
    record = read_record(tmp_path / "n" / FILE)
    assert record.ending == "failed"
    assert "--lr 1e+11 is high" in record.reason
    assert read_training_page(tmp_path / "n/web").now["reason"] == record.reason


def test_hints_are_on_the_page_and_stay_when_it_is_made_again(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "web")
    record = RecordSink(tmp_path / FILE, {"name": "n", "options": {}, "last_epoch": 9, "epoch_images": 10})  # fmt: skip
    for each in (sink, record):
        each.losses(At(2, 5, 15, 1.5), {"G": 1.0})
        each.hint(At(2, 5, 15, 1.5), "the discriminator has won")
        each.close("done")
    assert read_training_page(tmp_path / "web").hints == [(2, "the discriminator has won")]
    rebuild(tmp_path)
    assert read_training_page(tmp_path / "web").hints == [(2, "the discriminator has won")]
