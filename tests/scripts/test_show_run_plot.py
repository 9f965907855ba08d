"""scripts/show_run.py plot: curves from logs of this code and of the original code, of one run and of several."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.record import log
from helpers.runs import ROOT, run
from PIL import Image

from scripts import show_run
from scripts.lib.show_run.drawing import smooth
from scripts.lib.show_run.loss_log import epoch_images, read_runs
from scripts.lib.show_run.reading import read_log
from util.errors import InputError
from util.logs.records import FILE

pytestmark = pytest.mark.usefixtures("warm")

BANNER = "================ Training Loss (Tue Jan  9 15:31:40 2024) ================"


def old(epoch: int, iters: int, value: float) -> str:
    """A line as of 2018."""
    return f"(epoch: {epoch}, iters: {iters}, time: 0.123, data: 1.456) G_GAN: {value:.3f} D_real: nan "


def new(epoch: int, iters: int, value: float, rank: int = 0) -> str:
    """Lines as of 2025."""
    head = f"[Rank {rank}] (epoch: {epoch}, iters: {iters}, time: 0.1230, data: 1.4560) "
    return f"{head}, G_GAN: {value:.4f}, D_real: nan\n"


def values(text: str) -> list[list[float]]:
    return [[line.values["G_GAN"] for line in lines] for lines in read_runs(text)]


@pytest.mark.parametrize("line", [old, new])
def test_both_old_formats_are_read(line) -> None:
    (lines,) = read_runs("\n".join([BANNER, line(1, 100, 0.5), line(2, 50, -0.25)]))
    assert [(each.epoch, each.iters) for each in lines] == [(1, 100), (2, 50)]
    assert [each.values["G_GAN"] for each in lines] == [0.5, -0.25]
    assert math.isnan(lines[0].values["D_real"])


@pytest.mark.parametrize("line", [old, new])
def test_a_banner_before_epoch_1_starts_a_run_and_a_later_epoch_goes_on(line) -> None:
    first = [BANNER, line(1, 100, 1), line(2, 100, 2), line(3, 100, 3)]
    continued = [BANNER, line(3, 100, 4), line(4, 100, 5)]
    another = [BANNER, line(1, 100, 6)]
    text = "\n".join([*first, *continued, *another])
    assert values(text) == [[1, 2, 4, 5], [6]]


def test_our_own_banner_says_that_a_run_goes_on() -> None:
    text = "\n".join([BANNER, old(1, 50, 1), old(1, 100, 2)])
    text += "\n================ Continued (Tue Jan  9 16:31:40 2024) ================\n"
    assert values(text + old(1, 100, 3)) == [[1, 3]]


def test_what_other_processes_say_and_half_lines_are_left_out() -> None:
    text = "\n".join([BANNER, new(1, 1, 1), new(1, 1, 9, rank=1), "(epoch: 1, iters: 2, time: 0"])
    assert values(text) == [[1]]


def test_the_size_of_an_epoch_follows_from_lines_on_both_sides_of_its_end() -> None:
    size, every = 730, 100  # images in all are multiples of `every`
    text = "\n".join(old(n // size + 1, n % size, 1) for n in range(every, 5000, every))
    assert epoch_images(read_runs(text)[0]) == size


def test_scores_and_losses_of_our_log_are_read_with_epochs_and_images(tmp_path: Path) -> None:
    log(tmp_path / FILE, 1, 2)
    log(tmp_path / FILE, 1, 2, 3)
    (last,) = read_log(tmp_path / FILE, "a", "last")
    assert last.curves["G"].epochs == [0.5, 1.5, 2.5]
    assert last.curves["G"].images == [5, 15, 25]
    assert last.curves["val_l1"].values == [0.25, 0.5, 0.75]
    assert [len(each.curves["G"].values) for each in read_log(tmp_path / FILE, "a", "all")] == [2, 3]  # fmt: skip
    assert read_log(tmp_path / FILE, "a", "1")[0].label == "a, run 1"


def test_smoothing_is_a_mean_that_forgets() -> None:
    assert smooth([1, 1, 1], 0.9) == pytest.approx([1, 1, 1])
    assert smooth([0, 1], 0.5) == pytest.approx([0, 0.5 / 0.75])
    assert smooth([2, math.nan, 2], 0.5)[2] == pytest.approx(2)


def colours(file: Path) -> set[tuple[int, int, int]]:
    with Image.open(file) as image:
        return {rgb for count, rgb in image.convert("RGB").getcolors(1 << 24) if count > 20}


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_several_runs_are_drawn_over_each_other(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "$two_x$"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    log(tmp_path / "checkpoints/one" / FILE, 1, 2, 3)
    (tmp_path / "checkpoints/$two_x$/loss_log.txt").write_text(f"{BANNER}\n(epoch: 1, iters: 5, time: 0, data: 0) G: 3\n(epoch: 2, iters: 5, time: 0, data: 0) G: 1\n")  # fmt: skip
    assert show_run.main(["plot", "one", "--series", "G"]) == 0
    assert capsys.readouterr().out == "see checkpoints/one/losses.png\n"
    alone = colours(tmp_path / "checkpoints/one/losses.png")
    assert BLUE in alone
    assert ORANGE not in alone
    assert (
        show_run.main(["plot", "one", "$two_x$", "--series", "G", "--smooth", "0.5", "--log"]) == 0
    )
    assert {BLUE, ORANGE} <= colours(tmp_path / "losses.png")


@pytest.mark.parametrize(("ending", "begins"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])  # fmt: skip
def test_the_ending_of_the_file_chooses_its_format(ending, begins, tmp_path: Path) -> None:
    log(tmp_path / FILE, 1, 2)
    out = tmp_path / f"plots/a.{ending}"
    assert (
        show_run.main(["plot", str(tmp_path), "--out", str(out), "--x", "images", "--together"])
        == 0
    )
    assert out.read_bytes().startswith(begins)


def test_a_real_run_is_plotted_by_the_command(paired, tmp_path: Path) -> None:
    run(paired, tmp_path, "n", "--print_freq", "1")
    words = [str(ROOT / "scripts/show_run.py"), "plot", "n", "--checkpoints_dir", str(tmp_path)]
    assert subprocess.run([sys.executable, *words], check=False).returncode == 0
    assert len(colours(tmp_path / "n/losses.png")) > 3


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["nothing"], "nothing: there is neither"),
        (["n", "--series", "G,K"], "nothing is called 'K'; there are G, val_l1"),
        (["n", "--run", "2"], "has runs 1 to 1"),
        (["n", "--smooth", "1"], "--smooth 1 must be"),
        (["n", "--out", "a.jpgg"], "cannot write"),
        (["empty"], "has no line of losses"),
    ],
)
def test_what_cannot_be_plotted_is_said(flags, says: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("n", "empty"):
        (tmp_path / name).mkdir()
    log(tmp_path / "n" / FILE, 1)
    (tmp_path / "empty/loss_log.txt").write_text(BANNER)
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        show_run.main(["plot", *flags, "--checkpoints_dir", str(tmp_path)])


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    log(tmp_path / FILE, 1)
    with pytest.raises(InputError, match="pip install matplotlib"):
        show_run.main(["plot", str(tmp_path)])
