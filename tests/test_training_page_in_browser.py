"""The training page as people see it: in a browser, from disk, while a real training writes it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from browser_helpers import OpenPage
from conftest import SMALL_TRAINING
from playwright.sync_api import Page, expect
from runs import ROOT
from training_page_helpers import log_epochs, open_sink

from util.logger import At
from util.records import FILE, read_record

INK = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, alpha] = data.slice(i, i + 4);
    const most = Math.max(r, g, b) - Math.min(r, g, b);
    if (alpha > 200 && most > 60) colours.set(`${r},${g},${b}`, (colours.get(`${r},${g},${b}`) ?? 0) + 1);
  }
  return Object.fromEntries(colours);
}"""
BLUE, ORANGE = "0,114,178", "213,94,0"


def ink(page: Page, chart: int = 0) -> dict[str, int]:
    """Colour of a line -> pixels of it on the canvas."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")
    return page.locator(".chart canvas:not(.marks)").nth(chart).evaluate(INK)


def tip(page: Page, share: float, chart: int = 0) -> dict[str, float]:
    """What is said where the mouse points, at a share of the chart's width: place, and values by name."""
    canvas = page.locator(".chart .marks").nth(chart)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 58 + share * (box["width"] - 68), box["y"] + 60)
    one = page.locator(".tip").nth(chart)
    expect(one).to_be_visible()
    rows = [row.split("\t") for row in one.locator("table").inner_text().splitlines()]
    place = re.search(r"\((\d+) in all\)", one.locator("b").inner_text())
    return {"image": int(place[1]), **{row[0].strip(): float(row[1]) for row in rows}}


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A page of 20 epochs."""
    sink = open_sink(tmp_path / "web")
    log_epochs(sink, *range(1, 21))
    sink.close("done")
    return tmp_path / "web"


def test_an_open_page_follows_a_training_without_a_reload(paired, tmp_path, open_page) -> None:
    line = [sys.executable, str(ROOT / "train.py"), "--dataroot", str(paired), "--name", "live"]
    line += ["--checkpoints_dir", str(tmp_path), "--model", "pix2pix", "--netG", "resnet_6blocks"]
    flags = ["--n_epochs", "5000", "--print_freq", "2", "--display_freq", "3"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*line, *SMALL_TRAINING, *flags], stdout=subprocess.DEVNULL, env=environment) as training:  # fmt: skip
        try:
            index = tmp_path / "live/web/index.html"
            while not index.exists():
                assert training.poll() is None
            page = open_page(index)
            expect(page.locator("#state")).to_have_text("Running")
            expect(page.locator(".chart").first).to_be_visible()
            page.evaluate("window.kept = 'since it was opened'")
            page.locator(".legend button").nth(1).click()
            seen = tip(page, 1.0)["image"]
            expect(page.locator("#facts")).to_contain_text("time left")
            page.wait_for_function(
                f"() => parseInt(document.querySelector('#facts dd').textContent) > {seen // 6 + 2}"
            )
            assert tip(page, 1.0)["image"] > seen
            expect(page.locator("#pictures img")).to_have_count(3)
        finally:
            training.send_signal(signal.SIGINT)
            training.wait(60)
    expect(page.locator("#state")).to_contain_text("Stopped")
    assert page.evaluate("window.kept") == "since it was opened"
    assert page.locator(".legend button").nth(1).get_attribute("aria-pressed") == "false"

    points = {at.run_images: values for at, values in read_record(tmp_path / "live" / FILE).losses}
    for share in (0.0, 0.3, 1.0):
        found = tip(page, share)
        logged = points[found.pop("image")]
        hidden = {list(logged)[1]}
        assert found == {n: pytest.approx(v, rel=1e-4) for n, v in logged.items() if n not in hidden}  # fmt: skip


def test_lines_are_drawn_and_can_be_hidden_one_by_one(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html")
    expect(page.locator(".chart")).to_have_count(5)
    assert {BLUE, ORANGE} <= ink(page).keys()
    button = page.get_by_role("button", name="G", exact=True)
    button.click()
    assert BLUE not in ink(page)
    assert tip(page, 0.502) == {"image": 100, "D": pytest.approx(1 / 10.1, rel=1e-4)}
    assert tip(page, 0.504)["image"] == 101
    button.click()
    assert {BLUE, ORANGE} <= ink(page).keys()
    button.dblclick()
    assert ORANGE not in ink(page)
    assert tip(page, 0.5).keys() == {"image", "G"}


def test_metrics_have_charts_of_their_own(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html")
    titles = [text.removesuffix("log").strip() for text in page.locator("h3").all_inner_texts()]
    assert titles == ["losses", "learning rate", "images per second", "validation: l1", "validation: psnr"]  # fmt: skip
    assert tip(page, 1.0, 3) == {"image": 200, "val_l1": 0.05}
    assert tip(page, 1.0, 1)["learning rate"] == 0.001


def test_dragging_zooms_all_charts_and_a_double_click_ends_that(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    assert tip(page, 0.0)["image"] == 1
    box = page.locator(".chart .marks").first.bounding_box()
    page.mouse.move(box["x"] + 58 + 0.5 * (box["width"] - 68), box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 58 + 0.75 * (box["width"] - 68), box["y"] + 90, steps=3)
    page.mouse.up()
    assert tip(page, 0.0)["image"] == pytest.approx(100, abs=1)
    assert tip(page, 1.0)["image"] == pytest.approx(150, abs=1)
    assert tip(page, 0.0, 3)["image"] == 100
    page.locator(".chart .marks").nth(3).dblclick()
    assert tip(page, 0.0)["image"] == 1


def test_a_chart_that_was_clicked_is_zoomed_by_the_wheel_and_read_by_keys(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    tip(page, 0.5)
    page.mouse.wheel(0, 0)
    page.locator(".chart .marks").first.click()
    tip(page, 0.5)
    for _ in range(3):
        page.mouse.wheel(0, -100)
    assert tip(page, 0.0)["image"] == pytest.approx(100 - 100 / 1.2**3, abs=2)
    page.keyboard.press("Escape")
    assert tip(page, 0.0)["image"] == 1
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert "(5 in all)" in page.locator(".tip b").first.inner_text()


def test_values_can_be_smoothed_and_drawn_by_their_logarithm(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    plain = ink(page)
    page.locator("#smoothing").fill("0.9")
    tip(page, 0.0)
    expect(page.locator(".tip").first).to_contain_text("(1.01 smoothed)")
    tip(page, 1.0)
    means, weight = 0.0, 0.0
    for g in (epoch + n / 100 for epoch in range(1, 21) for n in range(1, 11)):
        means, weight = 0.9 * means + 0.1 * g, 0.9 * weight + 0.1
    expect(page.locator(".tip").first).to_contain_text(f"({means / weight:.5g} smoothed)")
    smooth = ink(page)
    page.locator("h3 button").first.click()
    assert len({str(sorted(each.items())) for each in (plain, smooth, ink(page))}) == 3


def test_the_scrubber_goes_to_the_images_of_any_epoch_and_loads_no_others(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    first = page.locator("#pictures img").first
    expect(page.locator("#pictures figcaption")).to_have_text(["real_A", "fake_B"])
    expect(first).to_have_attribute("src", re.compile(r"^images/epoch020_real_A\.png\?\d+$"))
    assert first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    assert first.bounding_box()["width"] == 128
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("src", re.compile("epoch019"))
    page.locator("#epoch").fill("4")
    expect(page.locator("#which")).to_have_text("epoch 5 of 20")
    assert page.locator("#pictures a").first.get_attribute("href") == "images/epoch005_real_A.png"
    page.get_by_title("an epoch on").click()
    expect(first).to_have_attribute("src", re.compile("epoch006"))
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert len([name for name in loaded if ".png" in name]) <= 8


def test_a_page_that_is_open_takes_in_a_continued_run(tmp_path: Path, open_page: OpenPage) -> None:
    log_epochs(open_sink(tmp_path), 1, 2, 3)
    page = open_page(tmp_path / "index.html")
    page.locator("#epoch").fill("0")
    assert tip(page, 1.0)["image"] == 30
    log_epochs(open_sink(tmp_path, epochs=30), 1, 2)
    expect(page.locator("#facts")).to_contain_text("2 of 30")
    assert tip(page, 1.0)["image"] == 20
    expect(page.locator("#which")).to_have_text("epoch 1 of 30")


def test_data_of_another_run_are_not_shown_while_they_are_being_replaced(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, 1, 2, 3)
    chunk = tmp_path / "data/00000.js"
    good = chunk.read_text()
    chunk.write_text(good.replace(sink.stream.id, "another"))
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#facts")).to_contain_text("0%")
    expect(page.locator(".chart")).to_have_count(0)
    chunk.write_text(good)
    expect(page.locator(".chart")).to_have_count(5, timeout=10_000)
    assert tip(page, 1.0)["image"] == 30


def test_a_run_that_went_silent_is_said_to_be(tmp_path: Path, open_page: OpenPage) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, 1)
    sink.stream.write(when=1.6e9)
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#state")).to_contain_text("Not heard of since")
    expect(page.locator("#state")).to_contain_text("2020")


def test_it_tells_progress_and_options_with_those_that_were_chosen_first(
    tmp_path: Path, open_page: OpenPage
) -> None:
    log_epochs(open_sink(tmp_path, epochs=40), *range(1, 11))
    page = open_page(tmp_path / "index.html")
    for text in ("10 of 40", "25%, 100 of 400 images", "0.001", "time left", "cpu"):
        expect(page.locator("#facts")).to_contain_text(text)
    expect(page).to_have_title("25% run")
    page.locator("summary").click()
    rows = page.locator("#flags tr").all_inner_texts()
    assert [row.split() for row in rows] == [["lr", "0.1", "default:", "0.2"], ["beta1", "0.5"]]


NAMES = ['<script>alert("x")</script>', "a#b?c=d", "100%25 ü", "it's", "a&amp;b"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_shown_as_they_are_and_their_images_load(
    name: str, tmp_path: Path, open_page: OpenPage
) -> None:
    folder = tmp_path / name.replace("/", "_")
    label = name.replace("/", "_").replace(" ", "_")
    sink = open_sink(folder, name)
    sink.losses(At(1, 1, 1, 0.1), {name: 1.0})
    log_epochs(sink, 1, labels=[label])
    page = open_page(folder / "index.html")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#pictures figcaption")).to_have_text([label])
    image = page.locator("#pictures img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    assert (folder / "images" / f"epoch001_{label}.png").exists()
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def test_a_hundred_thousand_points_are_drawn_in_a_blink(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path, interval=1e9)
    log_epochs(sink, *range(1, 1001), per_epoch=100)
    sink.close("done")
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#facts")).to_contain_text("1000 of 20")
    assert ink(page)[BLUE] > 500
    took = page.evaluate("""async () => {
        const began = performance.now();
        for (let i = 0; i < 5; i++) {
            document.getElementById('closer').click();
            await new Promise(requestAnimationFrame);
        }
        await new Promise(done => setTimeout(done));
        return (performance.now() - began) / 5;
    }""")
    assert took < 500  # ms, on a machine that has other things to do; some 20 on an idle one


def test_nothing_is_wider_than_a_phone_and_a_finger_shows_values(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html", width=390, height=844, has_touch=True, is_mobile=True)
    expect(page.locator(".chart")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".chart .marks").first.tap(position={"x": 200, "y": 80})
    expect(page.locator(".tip").first).to_be_visible()
    box = page.locator(".tip").first.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    plot = page.locator(".plot").first.bounding_box()
    assert box["y"] >= plot["y"] + plot["height"] - 1  # there is no room for it beside the curves


def test_lines_have_other_colours_in_the_dark(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html", color_scheme="dark")
    expect(page.locator(".chart")).to_have_count(5)
    drawn = ink(page)
    assert drawn
    assert BLUE not in drawn
