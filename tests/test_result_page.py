"""The result page in a real browser, opened as a file: what is seen, and what the mouse and the keys do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from gallery_helpers import LABELS, flat, names, numbers, pixel, result_page, with_errors

from util.gallery import Column, Example, Picture, write_gallery
from util.measured import measured

RED, BLUE = (200, 0, 0), (0, 0, 200)


def test_without_scripts_the_page_shows_and_links_every_picture(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 10)), java_script_enabled=False)
    assert names(page) == ["0", "1"]
    assert page.locator("figcaption").all_text_contents()[:3] == [
        "real_A", "fake_Bl1 0.0196, psnr 34.15", "real_B",
    ]  # fmt: skip
    assert page.locator("a").nth(4).get_attribute("href") == "images/1_fake_B.png"
    assert not page.locator("#tools").is_visible()
    page.locator("a").nth(4).click()
    assert page.url.endswith("/images/1_fake_B.png")


ODD = [
    "<script>alert(1)<\u2215script>",
    "</script>",
    'it\'s "so" #1',
    "100%25 & ü",
    "a\\b",
    "深/ein Ordner/x",
]


def test_odd_names_are_text_and_their_links_lead_to_the_pictures(open_page, tmp_path) -> None:
    odd = [name.replace("</", "<\u2215") for name in ODD]
    path = result_page(tmp_path / "100% #1?", {name: with_errors(9)["0"] for name in odd})
    page = open_page(path)
    assert names(page) == odd
    assert (
        page.evaluate(
            "Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))"
        )
        == [24] * 18
    )
    for number, name in enumerate(odd):
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


def two_colours(tmp_path: Path) -> Path:
    return result_page(tmp_path, {"x": {"real": flat(*RED), "fake": flat(*BLUE)}})


def near(seen: tuple[int, ...], wanted: tuple[int, ...], by: int = 3) -> bool:
    return bool(np.abs(np.subtract(seen, wanted)).max() <= by)


def test_the_slider_uncovers_one_picture_beneath_the_other(open_page, tmp_path) -> None:
    page = open_page(two_colours(tmp_path))
    page.locator("article img").first.click()
    page.keyboard.press("s")
    assert near(pixel(page, "#stage .stack", 0.4), RED)
    assert near(pixel(page, "#stage .stack", 0.6), BLUE)
    box = page.locator("#stage .stack").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50, steps=3)
    page.mouse.up()
    assert near(pixel(page, "#stage .stack", 0.15), RED)
    assert near(pixel(page, "#stage .stack", 0.4), BLUE)
    page.locator("#slider").fill("90")
    assert near(pixel(page, "#stage .stack", 0.8), RED)
    page.keyboard.press("x")  # swaps
    assert near(pixel(page, "#stage .stack", 0.8), BLUE)


@pytest.mark.parametrize(("gain", "colour"), [("4", (186, 54, 84)), ("8", (252, 255, 163))])
def test_the_difference_map_shows_the_mean_difference_of_the_channels(
    open_page, tmp_path, gain, colour
) -> None:
    """(8 + 24 + 64) / 3 = 32 of 255 levels: at four times half way up the scale, at eight times its end."""
    images = {"real_A": flat(9), "fake_B": flat(108, 76, 164), "real_B": flat(100, 100, 100)}
    page = open_page(result_page(tmp_path, {"x": images}))
    page.locator("article img").first.click()
    page.keyboard.press("d")
    page.locator("#gain").select_option(gain)
    assert near(pixel(page, "#stage .stack", 0.5), colour, 4)
    page.keyboard.press("Escape")
    page.locator("#heat").check()
    assert near(pixel(page, "figure.map .stack", 0.5), colour, 4)
    assert page.locator("figure.map figcaption").text_content() == f"|fake_B - real_B| × {gain}"


def test_examples_are_sorted_and_filtered_by_number_and_name(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 50, 20, 1, 2, 3, 4, 6, 7, 8, 60)))
    page.locator("#sort").select_option(label="l1, worst first")
    assert names(page)[:4] == ["10", "1", "2", "9"]
    page.locator("#sort").select_option(label="psnr, worst first")
    assert names(page)[:4] == ["10", "1", "2", "9"]
    page.locator("#filter").fill("l1>=0.07 l1<0.2")
    assert names(page) == ["1", "2"]
    assert page.locator("#count").text_content() == "2 of 11 examples"
    page.locator("#filter").fill("1")
    page.locator("#sort").select_option(label="by name")
    assert names(page) == ["1", "10"]
    page.wait_for_function("location.hash.includes('by+name')")
    again = open_page(page.url)
    assert names(again) == ["1", "10"]
    page.locator("#filter").fill("")
    page.locator("#sort").select_option(label="as listed")
    assert names(page) == [str(number) for number in range(11)]


def test_examples_without_a_number_come_last(open_page, tmp_path) -> None:
    pictures = with_errors(5, 50, 20)
    del pictures["1"]["real_B"]
    page = open_page(result_page(tmp_path, pictures))
    for order in ("worst", "best"):
        page.locator("#sort").select_option(label=f"l1, {order} first")
        assert names(page)[2] == "1"


def test_the_keyboard_alone_leads_through_all_examples(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(*range(5, 17))))
    press = page.keyboard.press
    for key in ("j", "ArrowDown", "j", "k"):  # the first one selects
        press(key)
    assert page.evaluate("document.activeElement.querySelector('h3').textContent") == "1"
    press("Enter")
    assert page.locator("#stage img").count() == 3
    for key in ("ArrowRight", "j", "ArrowLeft", "1"):
        press(key)
    assert page.locator("#name").text_content() == "2"
    assert page.locator("#stage img").get_attribute("src") == "images/2_real_A.png"
    press("s")
    press("Shift+Digit2")
    assert page.locator("#stage .tag").all_text_contents() == ["real_A", "fake_B"]
    press("ArrowRight")  # the choice stays
    assert page.locator("#stage img").nth(1).get_attribute("src") == "images/3_fake_B.png"
    press("?")
    assert page.locator("#help").is_visible()
    press("Escape")
    press("Escape")
    assert not page.locator("#view").is_visible()
    assert page.evaluate("document.activeElement.querySelector('h3').textContent") == "3"
    press("/")
    page.keyboard.type("1j")
    assert page.locator("#filter").input_value() == "1j"


def test_pictures_of_any_size_keep_their_proportions(open_page, tmp_path) -> None:
    wide, grey = flat(9, 9, 9, height=20, width=40), flat(7, height=30, width=10)
    page = open_page(
        result_page(
            tmp_path, {"x" * 150: {"real": wide, "fake": grey}}, width=200, aspect_ratio=1.5
        )
    )
    boxes = [page.locator("article img").nth(number).bounding_box() for number in (0, 1)]
    assert [(box["width"], box["height"]) for box in boxes] == [(200, 150), (200, 900)]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator("#size").fill("96")
    assert page.locator("article img").first.bounding_box()["width"] == 96


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
    page.locator("article img").first.tap()
    page.locator("#modes button", has_text="Swipe").tap()
    box = page.locator("#stage .stack").bounding_box()
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 20)
    assert float(page.locator("#slider").input_value()) == pytest.approx(25, abs=1)


@pytest.mark.parametrize(("scheme", "background"), [("light", 255), ("dark", 18)])
def test_the_page_follows_light_and_dark(open_page, tmp_path, scheme, background) -> None:
    page = open_page(result_page(tmp_path, with_errors(5)), color_scheme=scheme)
    assert near(pixel(page, "body", 0.99, 0.3), (background,) * 3, 20)


def test_printed_are_all_examples_and_no_controls(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(*[5] * 120), width=256))
    sheets = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 20 < sheets < 60  # three or four examples each
    page.emulate_media(media="print")
    assert not page.locator("#tools").is_visible()


def test_of_unpaired_pictures_reconstructions_alone_are_measured() -> None:
    paths = {"real_A": "a", "fake_B": "a", "rec_A": "a", "real_B": "b"}
    pictures = {"real_A": flat(100), "fake_B": flat(0), "rec_A": flat(151), "real_B": flat(3)}
    assert measured(paths, pictures).values == {("rec_A", "l1"): pytest.approx(0.2)}
    assert set(measured({**paths, "real_B": "a"}, pictures).values) == {
        ("fake_B", "l1"), ("fake_B", "psnr"), ("rec_A", "l1"),
    }  # fmt: skip


def test_colourized_pictures_are_measured_and_mere_inputs_are_no_truths() -> None:
    one = dict.fromkeys(("real_A", "fake_B_rgb", "real_B_rgb", "fake", "real"), "a")
    pictures = {label: flat(9, 9, 9) if "rgb" in label else flat(9) for label in one}
    assert {label for label, _ in measured(one, pictures).values} == {"fake_B_rgb"}


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
        page.evaluate("document.querySelector('h3').textContent") == "02321"
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
