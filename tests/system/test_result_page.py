"""The result page in a real browser, opened as a file: what is seen, printed and fetched, and how fast."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.gallery import LABELS, flat, names, near, numbers, pixel, result_page, with_errors

from util.pages.gallery import Column, Example, Picture, write_gallery


def test_without_scripts_the_page_shows_and_links_every_picture(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 10)), java_script_enabled=False)
    assert names(page) == ["0", "1"]
    assert page.locator("figcaption").all_text_contents()[:3] == [
        "real_A", "fake_Bl1\xa00.0196, psnr\xa034.15", "real_B",
    ]  # fmt: skip
    assert page.locator("a").nth(4).get_attribute("href") == "images/1_fake_B.png"
    assert not page.locator("#tools").is_visible()
    page.locator("a").nth(4).click()
    assert page.url.endswith("/images/1_fake_B.png")


ODD = [
    "<script>alert(1)<\u2215script>",
    'it\'s "so" #1',
    "100%25 & ü",
    "a\\b",
    "深/ein Ordner/x",
]


def test_odd_names_are_text_and_their_links_lead_to_the_pictures(open_page, tmp_path) -> None:
    path = result_page(tmp_path / "100% #1?", {name: with_errors(9)["0"] for name in ODD})
    page = open_page(path)
    assert names(page) == ODD
    assert (
        page.evaluate(
            "Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))"
        )
        == [24] * 20  # five of them in the summary
    )
    for number, name in enumerate(ODD):
        page.locator("article").nth(number).locator("img").first.click()
        assert page.locator("#name").text_content() == name
        page.wait_for_function("location.hash.includes('show=')")
        address = page.url
        page.keyboard.press("Escape")
        page.wait_for_function("location.hash === ''")
        again = open_page(address)  # what is copied from the browser leads back
        assert again.locator("#name").text_content() == name
        assert again.locator("#view").is_visible()


def test_text_that_would_end_the_script_stays_text(open_page, tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    name = "</script><img src=x onerror=alert(1)>"
    column = Column((name, "l1"), f"{name} l1", True, 3)
    example = Example(name, [[Picture("a.png", name, 8, 8)]], {column.place: 0.25})
    write_gallery(
        tmp_path / "index.html",
        name,
        [example],
        [column],
        width=64,
        pair=(name, name),
        notes=[name],
    )
    page = open_page(tmp_path / "index.html")
    assert names(page) == [name]
    assert page.locator("#sort option").nth(2).text_content() == f"{name} l1, worst first"
    assert page.locator("body img").count() == 1


def test_nothing_but_the_pictures_is_fetched(open_page, tmp_path) -> None:
    path = result_page(tmp_path, with_errors(5))
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri(), wait_until="networkidle")
    assert sorted(asked) == sorted(
        [path.as_uri(), *((tmp_path / f"images/0_{label}.png").as_uri() for label in ("real_A", "fake_B", "real_B"))]
    )  # fmt: skip


def test_pictures_of_any_size_keep_their_proportions_and_none_is_endlessly_high(
    open_page, tmp_path
) -> None:
    wide, grey = flat(9, 9, 9, height=20, width=40), flat(7, height=300, width=10)
    page = open_page(
        result_page(
            tmp_path, {"x" * 150: {"real": wide, "fake": grey}}, width=200, aspect_ratio=1.5
        )
    )
    boxes = [page.locator("article img").nth(number).bounding_box() for number in (0, 1)]
    assert boxes[0]["height"] == pytest.approx(0.75 * boxes[0]["width"], abs=1)
    assert boxes[1]["height"] == 400  # twice the wanted width
    assert (
        page.locator("article img").nth(1).evaluate("i => getComputedStyle(i).objectFit")
        == "contain"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("width", [390, 768, 1440, 1920])
@pytest.mark.parametrize("size", [64, 160, 256])
def test_examples_fill_the_window_in_pictures_near_the_wanted_size(
    open_page, tmp_path, width, size
) -> None:
    page = open_page(result_page(tmp_path, with_errors(*range(5, 20)), width=size), width=width)
    articles = [page.locator("article").nth(number).bounding_box() for number in range(15)]
    line = [box for box in articles if box["y"] == articles[0]["y"]]
    assert line[-1]["x"] + line[-1]["width"] == pytest.approx(width - line[0]["x"], abs=1)
    seen = page.locator("article img").first.bounding_box()["width"]
    assert min(size, (width - 70) / 3) / 1.5 < seen < 2 * size
    page.locator("#size").fill("96")
    assert 60 < page.locator("article img").first.bounding_box()["width"] < 150


def test_both_directions_of_a_cyclegan_are_rows_of_their_own(open_page, tmp_path) -> None:
    labels = ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B")
    page = open_page(result_page(tmp_path, {"x": {label: flat(9, 9, 9) for label in labels}}))
    rows = page.locator("article .row")
    assert [rows.nth(i).locator("figcaption").count() for i in range(rows.count())] == [3, 3]
    boxes = [page.locator("article img").nth(number).bounding_box() for number in range(6)]
    assert [box["x"] for box in boxes[:3]] == [box["x"] for box in boxes[3:]]
    page.locator("article img").first.click()
    boxes = [page.locator("#stage img").nth(number).bounding_box() for number in range(6)]
    assert [box["x"] for box in boxes[:3]] == [box["x"] for box in boxes[3:]]


def test_small_pictures_are_enlarged_without_a_blur(open_page, tmp_path) -> None:
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[:, ::2] = 255
    page = open_page(result_page(tmp_path, {"x": {"real": stripes, "fake": stripes}}, width=160))
    assert pixel(page, "article img >> nth=0", 0.09) == (255, 255, 255)
    assert pixel(page, "article img >> nth=0", 0.16) == (0, 0, 0)


def test_a_phone_shows_three_pictures_beside_each_other_and_a_tap_moves_the_slider(
    open_page, tmp_path
) -> None:
    path = result_page(tmp_path, with_errors(5, 9), width=256)
    page = open_page(path, width=360, height=700, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    tops = {
        page.locator("article").first.locator("img").nth(i).bounding_box()["y"] for i in range(3)
    }
    assert len(tops) == 1
    assert page.locator("article small").first.is_visible()
    page.locator("article img").first.tap()
    page.locator("#modes button", has_text="Swipe").tap()
    box = page.locator("#stage .stack").bounding_box()
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 20)
    assert float(page.locator("#slider").input_value()) == pytest.approx(25, abs=1)


@pytest.mark.parametrize(("scheme", "background"), [("light", 255), ("dark", 18)])
def test_the_page_follows_light_and_dark(open_page, tmp_path, scheme, background) -> None:
    page = open_page(result_page(tmp_path, with_errors(5)), color_scheme=scheme)
    assert near(pixel(page, "body", 0.99, 0.95), (background,) * 3, 20)


def test_printed_are_all_examples_and_no_controls(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(*[5] * 120), width=256))
    sheets = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 20 < sheets < 60  # three or four examples each
    page.emulate_media(media="print")
    assert not page.locator("#tools").is_visible()


def five_thousand(folder: Path) -> Path:
    result_page(folder, {"one": with_errors(5)["0"]})
    examples = []
    for number in range(5000):
        row = [Picture(f"images/{number}_{label}.png", label, 24, 24) for label in LABELS]
        for picture in row:
            os.link(folder / f"images/one_{picture.label}.png", folder / picture.file)
        values = {("fake_B", "l1"): number * 7919 % 5000 / 5000}
        examples.append(Example(f"{number:05d}", [row], values))
    columns = [Column(("fake_B", "l1"), "l1", True, 4)]
    write_gallery(folder / "index.html", "many", examples, columns, width=256)
    return folder / "index.html"


def test_five_thousand_examples_appear_scroll_and_sort_without_a_wait(open_page, tmp_path) -> None:
    """Bounds are several times of what two cores need, so that a busy machine does not fail them."""
    path = five_thousand(tmp_path)
    assert len(numbers(path.read_text())["values"]) == 5000
    assert path.stat().st_size < 5e6
    page = open_page("about:blank")
    page.add_init_script(
        "document.addEventListener('load', e => { window.first ??= performance.now(); }, true);"
    )
    page.goto(path.as_uri())
    assert page.evaluate("window.first") < 3000  # milliseconds; all of it takes longer
    loaded = "[...document.images].filter(image => image.complete && image.naturalWidth).length"
    assert page.evaluate(loaded) < 200  # of 15,000
    laid_out = "article => article.checkVisibility({ contentVisibilityAuto: true })"
    assert page.locator("article").first.evaluate(laid_out)
    assert not page.locator("article").last.evaluate(laid_out)
    sort = "(() => { const start = performance.now(); sort.value = '0 down'; sort.dispatchEvent(new Event('change')); return performance.now() - start; })()"
    assert page.evaluate(sort) < 1000
    assert (
        page.evaluate("document.querySelector('h2').textContent") == "02321"
    )  # 2321 * 7919 = 4999 modulo 5000
    frames = """(async () => {
        const start = performance.now();
        for (let i = 0; i < 40; i++) {
            scrollTo(0, i * 40000);
            await new Promise(requestAnimationFrame);
        }
        return (performance.now() - start) / 40;
    })()"""
    assert page.evaluate(frames) < 400
    start = time.monotonic()
    last = page.locator("article img").last
    last.scroll_into_view_if_needed()
    assert last.evaluate("image => image.decode().then(() => image.naturalWidth)") == 24
    assert time.monotonic() - start < 10
