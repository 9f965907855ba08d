"""The training page in a browser: its curves and images, by mouse, keys and fingers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.browser import OpenPage
from helpers.chart import BLUE, ORANGE, ink, tip
from helpers.training_page import log_epochs, log_examples, open_sink
from PIL import Image
from playwright.sync_api import expect

from util.logs.logger import At
from util.logs.training_page.stream import point


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A page of 20 epochs."""
    sink = open_sink(tmp_path / "web")
    log_epochs(sink, *range(1, 21))
    sink.close("done")
    return tmp_path / "web"


def test_lines_are_drawn_and_can_be_hidden_one_by_one(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html")
    expect(page.locator(".chart")).to_have_count(5)
    assert {BLUE, ORANGE} <= ink(page).keys()
    button = page.get_by_role("button", name="G", exact=True)
    button.click()
    assert BLUE not in ink(page)
    assert tip(page, 0.502) == {"image": 100, "D": pytest.approx(5 + 1 / 10.1, rel=1e-4)}
    assert tip(page, 0.504)["image"] == 101
    button.click()
    assert {BLUE, ORANGE} <= ink(page).keys()
    button.dblclick()
    assert ORANGE not in ink(page)
    assert tip(page, 0.5).keys() == {"image", "G"}


def test_metrics_have_charts_of_their_own(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html")
    assert page.locator(".chart h3").all_inner_texts() == [
        "Losses", "Validation: l1", "Validation: psnr", "Learning rate", "Images per second"
    ]  # fmt: skip
    assert tip(page, 1.0, 1) == {"image": 200, "val_l1": 0.05}
    assert tip(page, 1.0, 3)["Learning rate"] == 0.001


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
    assert tip(page, 0.0, 1)["image"] == 100
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
    assert "· 5 images" in page.locator(".tip b").first.inner_text()


def test_values_can_be_smoothed_and_drawn_by_their_logarithm(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    page.locator("#smoothing").fill("0")
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
    page.get_by_role("button", name="Log: Losses").click()
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
    expect(page.locator("#which")).to_have_text("Epoch 5 of 20")
    assert page.locator("#pictures a").first.get_attribute("href") == "images/epoch005_real_A.png"
    page.get_by_title("Next epoch").click()
    expect(first).to_have_attribute("src", re.compile("epoch006"))
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert len([name for name in loaded if ".png" in name]) <= 8


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
    assert (
        box["y"] + box["height"] <= plot["y"] + 9
    )  # over its own head: not over curves, nor the next chart


def test_lines_have_other_colours_in_the_dark(web: Path, open_page: OpenPage) -> None:
    page = open_page(web / "index.html", color_scheme="dark")
    expect(page.locator(".chart")).to_have_count(5)
    drawn = ink(page)
    assert drawn
    assert BLUE not in drawn


@pytest.fixture
def with_examples(web: Path) -> Path:
    """The page with fixed examples, which a hint and a failure have ended."""
    sink = open_sink(web)
    log_epochs(sink, *range(1, 6))
    log_examples(sink, *range(1, 6))
    sink.hint(At(4, 5, 35, 3.5), "the <b>discriminator</b> has won")
    sink.close("failed", "G became NaN\nlikely cause: --lr 7 is high")
    return web


def test_play_shows_the_same_examples_of_each_epoch_in_turn(
    with_examples: Path, open_page: OpenPage
) -> None:
    page = open_page(with_examples / "index.html")
    expect(page.locator("#examples img")).to_have_count(4)
    assert page.locator("#split").inner_text() == "val"
    inputs, outputs = page.locator("#examples img").nth(1), page.locator("#examples img").nth(3)
    assert inputs.get_attribute("src").startswith("examples/2_real_A.png")
    assert inputs.get_attribute("alt") == "real_A of two, epoch 5"
    page.evaluate("""() => {
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelectorAll("#examples img")[3].getAttribute("src")))
            .observe(document.querySelectorAll("#examples img")[3], {attributeFilter: ["src"]});
    }""")
    page.locator("#speed").select_option("16")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#which")).to_have_text("Epoch 5 of 20 (latest)")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    seen = [re.sub(r"\?.*", "", source) for source in page.evaluate("window.seen")]
    assert seen == [f"examples/epoch00{epoch}_2_fake_B.png" for epoch in range(1, 6)]
    assert outputs.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8


def test_a_click_on_a_curve_shows_the_images_of_that_epoch_and_all_charts_mark_it(
    with_examples: Path, open_page: OpenPage
) -> None:
    page = open_page(with_examples / "index.html")
    tip(page, 0.5)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#which")).to_have_text("Epoch 3 of 20")
    expect(page.locator("#examples img").last).to_have_attribute("src", re.compile("epoch003_2"))
    marked = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value, i) => i % 4 === 3 && value);
    }"""
    page.mouse.move(0, 0)
    assert all(chart.evaluate(marked) for chart in page.locator(".chart .marks").all())


def test_why_it_failed_and_hints_are_shown_as_text(
    with_examples: Path, open_page: OpenPage
) -> None:
    page = open_page(with_examples / "index.html", width=390)
    assert page.locator("#notes li").nth(1).is_visible()
    assert page.locator("#notes li").all_inner_texts() == [
        "Why it stopped\n\nG became NaN\nlikely cause: --lr 7 is high",
        "Epoch 4\n\nThe <b>discriminator</b> has won",
    ]
    expect(page).to_have_title("failed run")
    page.locator("summary", has_text="Commands").click()
    expect(page.locator("#lines code")).to_have_text("python test.py")


def test_the_best_scores_are_told_with_their_epochs(web: Path, open_page: OpenPage) -> None:
    run = """{"l1": true, "psnr": false}"""
    data = web / "data/run.js"
    data.write_text(data.read_text().replace('"width"', f'"lower_is_better": {run}, "width"'))
    page = open_page(web / "index.html")
    expect(page.locator(".best").first).to_be_visible()
    assert [text.split("\n") for text in page.locator(".best").all_inner_texts()] == [
        ["Best l1", "0.05 · epoch 20"],
        ["Best psnr", "30 · epoch 20"],
    ]


def test_a_chart_can_be_downloaded_as_values_and_as_a_picture(
    web: Path, open_page: OpenPage
) -> None:
    page = open_page(web / "index.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV: Validation: l1").click()
    assert download.value.suggested_filename == "run_Validation_l1.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == '"curve","epochs","images","hours","value"'
    assert lines[2].startswith('"val_l1",2,20,')
    assert lines[2].endswith(",0.5")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG: Losses").click()
    with Image.open(download.value.path()) as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10
        assert picture.width == page.locator(".plot").first.bounding_box()["width"]


def test_losses_that_differ_much_in_size_have_charts_of_their_own(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path)
    for i in range(1, 30):
        sink.losses(At(1, i, i, i / 30), {"G_GAN": 1.0, "G_L1": 30 + i / 10, "D_real": 0.6})
    sink.close("done")
    page = open_page(tmp_path / "index.html")
    expect(page.locator(".chart")).to_have_count(4)
    titles = page.locator(".chart h3").all_inner_texts()
    assert titles[:2] == ["Losses", "Losses: G_L1"]


def test_hours_leave_out_the_time_in_which_nothing_was_trained(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path)
    for i in range(1, 11):
        night = 50_000 * (i > 5)
        sink.stream.add(point("losses", At(1, i, i, i / 10, time=100.0), {"G": 1.0}, 1e9 + 100 * i + night))  # fmt: skip
    sink.close("stopped")
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#facts")).to_contain_text("15 min 0 s")
