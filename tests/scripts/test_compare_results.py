"""scripts/compare_results.py on small result folders: what belongs together, what is measured, where links lead."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_inputs.pages import checked_page
from helpers.gallery import flat, names, numbers, result_page, with_errors

sys.path.insert(0, str(Path(__file__).parents[2]))

from options.types import parse_range
from scripts import compare_results
from util.design.links import read_links
from util.errors import InputError
from util.images.values import Values
from util.images.write import ValueWriter

pytestmark = pytest.mark.usefixtures("warm")


def run(root: Path, name: str, *errors: int, **more) -> Path:
    """results/<name>/test_latest of images called 0, 1, ..., whose outputs are so many levels off."""
    folder = root / "results" / name / "test_latest"
    result_page(folder, {**with_errors(*errors), **more})
    return folder


def compare(root: Path, *words: object) -> Path:
    out = root / "results/comparison"
    assert compare_results.main([*map(str, words), "--out", str(out)]) == 0
    return out / "index.html"


def columns(page: Path) -> dict[str, list[float | None]]:
    data = numbers(page.read_text())
    return dict(zip(data["keys"], zip(*data["values"], strict=True), strict=True))


def test_each_input_is_shown_once_with_the_outputs_of_all_runs_and_their_numbers(tmp_path) -> None:
    page = compare(tmp_path, run(tmp_path, "a", 51, 0), run(tmp_path, "b", 102, 51))
    checked = checked_page(page)  # all links lead to files
    assert checked.texts["h2"] == ["0", "1"]
    assert checked.links[1:5] == [
        "../a/test_latest/index.html", "../b/test_latest/index.html",
        *["../a/test_latest/images/0_real_A.png"] * 2,
    ]  # fmt: skip
    assert [link.split("/")[1] + link[-11:-4] for link in checked.links[3:11:2]] == [
        "a_real_A", "a_real_B", "a_fake_B", "b_fake_B",
    ]  # fmt: skip
    found = columns(page)
    assert found["a l1"] == pytest.approx((0.2, 0))
    assert found["b l1"] == pytest.approx((0.4, 0.2))
    assert found["b - a l1"] == pytest.approx((0.2, 0.2))
    assert found["|b - a| l1"] == pytest.approx((0.2, 0.2))


def test_the_page_still_shows_its_pictures_after_the_folders_have_moved(
    open_page, tmp_path
) -> None:
    compare(tmp_path, run(tmp_path, "a", 5, 9), run(tmp_path, "b #2", 9, 5))
    shutil.move(tmp_path / "results", tmp_path / "moved")
    page = open_page(tmp_path / "moved/comparison/index.html")
    loaded = "Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))"
    assert page.evaluate(loaded) == [24] * 8
    page.locator("#sort").select_option(label="b #2 - a l1, largest first")
    assert names(page) == ["0", "1"]
    page.locator("#sort").select_option(label="b #2 - a l1, smallest first")
    assert names(page) == ["1", "0"]
    page.locator("#filter").fill("b #2 - a l1>0")
    assert names(page) == ["0"]
    page.locator("article img").first.click()
    page.keyboard.press("s")
    assert page.locator("#stage .tag").all_text_contents() == ["a", "truth"]


def test_the_head_says_which_run_is_better_and_on_how_many_inputs(open_page, tmp_path) -> None:
    one, other = run(tmp_path, "a", 5, 9, 20), run(tmp_path, "b", 4, 8, 21)
    page = open_page(compare(tmp_path, one, other))
    assert page.locator(".verdict").text_content().startswith("b has the best l1 (")
    wins = page.locator("#scores tr:has-text('l1') td:last-child")
    assert wins.all_text_contents() == ["1 of 3", "2 of 3"]
    page.locator("#filter").fill("a l1>0.05")
    assert wins.all_text_contents() == ["1 of 1", "0 of 1"]
    page.locator("#filter").fill("")
    page.locator("summary", has_text="Images").click()
    page.locator("#labels label", has_text="truth").click()
    assert not page.locator("article img").nth(1).is_visible()
    assert page.locator("article img").nth(2).is_visible()


def test_the_pages_of_the_runs_get_links_to_the_comparison(tmp_path) -> None:
    folders = run(tmp_path, "a", 5), run(tmp_path, "b", 9)
    compare(tmp_path, *folders)
    for folder in folders:
        links = read_links((folder / "index.html").read_text())
        assert links == {"Compare: a, b": "../../comparison/index.html"}


def test_inputs_that_a_run_lacks_are_told_of_and_shown_without_it(tmp_path) -> None:
    page = compare(tmp_path, run(tmp_path, "a", 5, 9), run(tmp_path, "b", 5))
    assert "A to B: b lacks 1 of 2 inputs." in page.read_text()
    assert columns(page)["b l1"] == (pytest.approx(0.0196, abs=1e-4), None)


def test_both_directions_of_a_cyclegan_are_shown_without_truths_that_are_none(tmp_path) -> None:
    one = {
        "x": {
            label: flat(9, 9, 9)
            for label in ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B")
        }
    }
    a, b = (run(tmp_path, name, **one) for name in "ab")
    page = checked_page(compare(tmp_path, a, b, "--unpaired"))
    assert page.texts["h2"] == ["A to B: x", "B to A: x"]
    assert page.texts["figcaption"] == ["input", "a", "b"] * 2
    data = numbers((tmp_path / "results/comparison/index.html").read_text())
    assert data["keys"] == ["|b - a| l1"]
    assert data["pair"] == ["a", "b"]


def test_runs_on_different_inputs_are_refused(tmp_path) -> None:
    one, other = run(tmp_path, "a", 5), run(tmp_path, "b", y=with_errors(5)["0"])
    with pytest.raises(InputError, match="no input in common .*a: 0; b: y.*--dataroot"):
        compare(tmp_path, one, other)
    with pytest.raises(InputError, match="no folder holds images fake_A: leave out --direction"):
        compare(tmp_path, one, "--direction", "BtoA")


def test_a_wrong_folder_is_a_message_and_no_traceback(tmp_path) -> None:
    script = Path(compare_results.__file__)
    words = [sys.executable, str(script), str(tmp_path / "nothing")]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    assert "there is no folder" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_of_more_than_8_bits_the_page_says_that_it_measures_pictures(tmp_path) -> None:
    deep, plain = run(tmp_path, "deep", 5), run(tmp_path, "plain", 5)
    ValueWriter({"B": Values("B", 1, parse_range("range_B", "0,9000"))}, "auto").describe(deep)
    note = (
        "deep: files of more than 8 bits, of which this page shows and measures the 8-bit pictures"
    )
    assert note in compare(tmp_path, deep, plain).read_text()
    assert "more than 8 bits" not in compare(tmp_path, plain).read_text()
