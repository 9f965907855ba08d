"""What a training shows on a terminal, and what in a pipe."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from statistics import fmean

import pytest
from helpers.runs import run
from helpers.terminal import CODES, COLOUR, in_a_pipe, line, lines, on_a_terminal
from helpers.training_page import read_training_page

import test as test_script
from scripts import evaluate
from util.distributed.stop import STOPPED
from util.logs.epoch_table import EpochTable, four_digits
from util.logs.progress_bar import progress_line
from util.logs.records import FILE, read_record
from util.logs.sinks.console import Pace
from util.terminal import emphasised

pytestmark = pytest.mark.timeout(200)
needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
OLD_LINES = (  # patterns of lines that other programs parse
    r"-+ Options -+",
    r" +batch_size: 1 +",
    r"The number of training images = 6",
    r"\[Network G\] Total number of parameters : \d+\.\d{3} M",
    r"\(epoch: 1, iters: 2, time: \d+\.\d{3}, data: \d+\.\d{3}\) G_GAN: \d+\.\d{3} .*",
    r"saving the latest model \(epoch 1, total_iters 4\)",
    r"saving the model at the end of epoch 1, iters 6",
    r"End of epoch 1 / 1 \t Time Taken: \d+ sec.*",
)


def rows(printed: list[str]) -> dict[str, str]:
    """Label -> text of the closing summary."""
    start = max(i for i, text in enumerate(printed) if text.startswith("trained "))
    return {text[:11].strip(): text[11:] for text in printed[start:] if text[11:12].strip()}


def test_in_a_pipe_the_lines_that_are_parsed_stay_and_have_no_codes(paired, tmp_path) -> None:
    flags = ["--print_freq", "2", "--save_latest_freq", "4", "--val_freq", "1"]
    status, out, errors = in_a_pipe(line(paired, tmp_path, *flags), tmp_path)
    assert status == 0, errors
    printed = out.splitlines()
    for pattern in OLD_LINES:
        assert any(re.fullmatch(pattern, text) for text in printed), pattern
    assert "\x1b" not in out + errors
    assert "\r" not in out + errors
    assert printed[-1] == f"done: {tmp_path / 'run'}"

    closing = rows(printed)
    assert re.match(r"6 images in \d+ s: .+, \d+% of the time waiting for data", closing["trained"])
    assert closing["losses"].startswith("G_GAN ")
    assert re.fullmatch(r"l1 0\.\d+ \(best_l1\), psnr .* \(best_psnr\)", closing["best"])
    page = Path(closing["page"].removeprefix("file://"))
    assert page.exists()
    for path in closing["numbers"].split(", "):
        assert Path(path).exists()


def test_the_closing_command_tests_the_run(paired, tmp_path, capsys) -> None:
    run(paired, tmp_path / "some where", "run")
    python, script, *words = shlex.split(rows(capsys.readouterr().out.splitlines())["test with"])
    assert (python, script) == ("python", "test.py")
    assert test_script.main([*words, "--results_dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "3 images translated" in out
    assert re.search(r"scores +l1 0\.\d{4}, psnr \d+\.\d+ \(means of 3 examples\)", out)
    python, script, *words = shlex.split(re.search(r"evaluate +(.*)", out)[1])
    assert (python, script) == ("python", "scripts/evaluate.py")
    assert evaluate.main([*words, "--metrics", "l1", "--out", str(tmp_path / "e")]) == 0


def test_without_a_test_split_it_tests_the_validation_images(paired, tmp_path, capsys) -> None:
    for phase in ("train", "val"):
        shutil.copytree(paired / phase, tmp_path / "data" / phase)
    run(tmp_path / "data", tmp_path, "run")
    assert rows(capsys.readouterr().out.splitlines())["test with"].endswith("--phase val")


@needs_pty
def test_on_a_terminal_the_start_is_short_and_one_line_shows_progress(paired, tmp_path) -> None:
    command = line(paired, tmp_path, "--print_freq", "2", "--dropout")
    status, shown = on_a_terminal(command)
    assert status == 0, shown
    final = lines(shown)
    assert not any(re.fullmatch(r"-+ Options -+", text) for text in final)
    assert any(re.fullmatch(r"  ngf +4  \(default 64\)", text) for text in final)
    assert not any("lr_policy" in text for text in final)  # which is at its default
    (data,) = [text for text in final if text.startswith("data ")]
    assert data.endswith(f"6 images (aligned) in {paired}; train: 6 files; 64x32 pixels")
    assert any(re.search(r"device +cpu \(1 thread\)", text) for text in final)

    assert any(re.match(r"epoch 1/1 +\d+%  .* left", text) for text in drawn(shown))
    assert not any(" left" in text for text in final)  # gone when it is done
    assert rows(final)["trained"].startswith("6 images in ")
    assert "----------------- Options" in (tmp_path / "run/train_opt.txt").read_text()


def drawn(shown: str) -> list[str]:
    """All that stood on lines for a while, without colours."""
    return re.split(r"[\r\n]+", CODES.sub("", shown))


@needs_pty
@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal_and_the_time_left_is_always_there(
    paired, tmp_path, columns
) -> None:
    command = line(paired, tmp_path, "--print_freq", "1", "--n_epochs", "2")
    status, shown = on_a_terminal(command, columns=columns)
    assert status == 0, shown
    bars = [text for text in drawn(shown) if text.startswith("epoch 1/2 ")]
    assert bars
    assert all(len(text) < columns and " left" in text for text in bars)


@needs_pty
def test_a_terminal_shows_a_row_for_each_epoch_with_means_and_scores(paired, tmp_path) -> None:
    flags = ("--print_freq", "1", "--n_epochs", "3", "--val_freq", "2", "--save_epoch_freq", "9")
    status, shown = on_a_terminal(line(paired, tmp_path, *flags))
    assert status == 0, shown
    table = [text for text in lines(shown) if re.match(r" *(epoch|\d) ", text)]
    names = ["epoch", "G_GAN", "G_L1", "D_real", "D_fake", "lr", "time"]
    assert table[0].split() == names
    assert table[2].split() == [*names[:5], "val_l1", "val_psnr", "lr", "time"]
    first, second, third = (table[i] for i in (1, 3, 4))
    assert not any("(epoch:" in text or "End of epoch" in text for text in lines(shown))

    # Columns stay where they are, and a row has the mean of the losses in metrics.jsonl.
    assert first.split()[0] == "1"
    assert first.split()[-1] == "s"
    assert re.fullmatch(r" *2 .* 0\.\d{4}\* +\d+\.\d+\* .* s", second)
    assert table[2].index("lr") == second.index("0.0002") + 4
    assert third.split()[0] == "3"
    record = read_record(tmp_path / "run" / FILE)
    of_first = [values["G_L1"] for at, values in record.losses if at.epoch == 1]
    assert len(of_first) == 6
    assert float(first.split()[2]) == pytest.approx(fmean(of_first), rel=1e-4)


def test_a_bar_gives_way_to_words_and_these_to_the_time_left() -> None:
    words = ["1:02:03 left", "64 images/s", "G_L1 16.500"]
    assert progress_line(79, "epoch 5/8  51%", 0.51, words, "#", "-") == (
        "epoch 5/8  51%  ##########----------  1:02:03 left  64 images/s  G_L1 16.500"
    )
    assert progress_line(62, "epoch 5/8  51%", 0.51, words, "#", "-") == (
        "epoch 5/8  51%  ###---  1:02:03 left  64 images/s  G_L1 16.500"
    )
    assert progress_line(45, "epoch 5/8  51%", 0.51, words, "#", "-") == (
        "epoch 5/8  51%  1:02:03 left  64 images/s"
    )
    assert progress_line(30, "epoch 5/8  51%", 0.51, words, "#", "-") == (
        "epoch 5/8  51%  1:02:03 left"
    )


def test_numbers_have_four_digits_in_six_columns() -> None:
    values = [0.13612, 15.3371, 123.456, 1234.56, 0.0, 4.2e13, 1e-6, float("nan")]
    assert [four_digits(value) for value in values] == [
        "0.1361", "15.337", "123.46", "1234.6", "0.0000", "4.2e+13", "1.0e-06", "nan",
    ]  # fmt: skip


def test_a_table_keeps_its_columns_and_repeats_their_names_when_these_have_scrolled_away() -> None:
    table = EpochTable()
    first = table.row({"epoch": "1", "G": "0.5000", "time": "7 s"}, "saved", 80)
    assert first == [" epoch       G    time", "     1  0.5000     7 s  saved"]
    scored = table.row({"epoch": "2", "G": "0.4000", "val_l1": "0.1*", "time": "7 s"}, "", 80)
    assert scored == [" epoch       G  val_l1    time", "     2  0.4000    0.1*     7 s"]
    assert table.row({"epoch": "3", "G": "0.3000", "time": "7 s"}, "", 80) == [
        "     3  0.3000             7 s"
    ]
    heights = [len(table.row({"epoch": "4", "time": "7 s"}, "", 80)) for _ in range(40)]
    assert heights.count(2) == 2
    narrow = table.row({"epoch": "4", "G": "0.3000", "time": "7 s"}, "", 20)
    assert narrow == ["epoch 4  G 0.3000", "  time 7 s"]


@needs_pty
def test_warnings_stand_out_and_colours_can_be_switched_off(paired, tmp_path) -> None:
    command = line(paired, tmp_path, "--load_size", "72", "--crop_size", "64")
    _, shown = on_a_terminal(command, NO_COLOR="1")
    assert "warning: enlarged by more than 1.5" in shown
    assert not COLOUR.search(shown)
    _, shown = on_a_terminal(command)
    assert "\x1b[1;33mwarning: enlarged by more than 1.5" in shown
    assert "\x1b[33mnote: " in shown  # of the first run, which is put aside


@needs_pty
def test_ctrl_c_ends_with_the_summary_and_how_to_go_on(paired, tmp_path) -> None:
    command = line(paired, tmp_path, "--n_epochs", "500")
    status, shown = on_a_terminal(command, interrupt_at="epoch 3/500")
    assert status == STOPPED, shown
    final = lines(shown)
    reached = rows(final)["reached"]
    assert re.fullmatch(r"epoch \d+ of 500, image \d of 6", reached)
    epoch, _, image, _ = map(int, re.findall(r"\d+", reached))
    assert epoch >= 3
    page = read_training_page(tmp_path / "run/web").now
    assert page["at"][:2] == [epoch, image]
    assert f" in {page['trained']:.0f} s: " in rows(final)["trained"]
    assert "to continue, run the same command with --continue_train" in final


@needs_pty
def test_an_error_is_red_on_a_terminal(tmp_path) -> None:
    status, shown = on_a_terminal(line(tmp_path / "none", tmp_path))
    assert status == 1
    assert "\x1b[1;31merror: " in shown


def test_only_the_first_line_of_a_finding_is_emphasised_and_only_on_a_terminal() -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    text = "warning: odd\n    a.png"
    assert emphasised(text, Terminal()) == "\x1b[1;33mwarning: odd\x1b[0m\n    a.png"
    assert emphasised("plain", Terminal()) == "plain"
    with open(__file__) as file:
        assert emphasised(text, file) == text


def test_pace_is_told_in_the_unit_that_fits(monkeypatch) -> None:
    def pace(images: int, waited: float, seconds: float) -> str:
        now = [100.0]
        monkeypatch.setattr("time.perf_counter", lambda: now[0])
        it = Pace()
        it.count(images, waited)
        now[0] += seconds
        it.stop()
        now[0] += 1000
        return str(it)

    assert pace(300, 1, 10) == "30 images/s, 10% of the time waiting for data"
    assert pace(5, 4, 10) == "2 s/image, 40% of the time waiting for data"
    assert pace(0, 0, 10) == "0 images/s, 0% of the time waiting for data"
