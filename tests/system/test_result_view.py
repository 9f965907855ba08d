"""What the mouse and the keys do on the result page, in a real browser: sorting, filtering, comparing two pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from helpers.gallery import flat, names, near, pixel, result_page, with_errors

RED, BLUE = (200, 0, 0), (0, 0, 200)


def two_colours(tmp_path: Path) -> Path:
    return result_page(tmp_path, {"x": {"real": flat(*RED), "fake": flat(*BLUE)}})


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


def test_the_signed_difference_is_red_where_the_left_picture_is_brighter(
    open_page, tmp_path
) -> None:
    """(9 - 21 + 63) / 3 = 17 levels of the 64 at the end of the scale: a quarter of the way from its middle."""
    images = {"real_A": flat(9), "fake_B": flat(109, 79, 163), "real_B": flat(100, 100, 100)}
    page = open_page(result_page(tmp_path, {"x": images}))
    page.locator("article img").first.click()
    page.keyboard.press("d")
    page.keyboard.press("g")
    assert near(pixel(page, "#stage .stack", 0.5), (230, 167, 156), 4)
    assert page.locator("#readout").text_content().startswith("Red: fake_B is brighter")
    page.keyboard.press("x")
    assert near(pixel(page, "#stage .stack", 0.5), (151, 194, 219), 4)
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.locator("#heat").check()
    assert near(pixel(page, "figure.map .stack", 0.5), (230, 167, 156), 4)
    assert page.locator("figure.map figcaption").text_content() == "(fake_B - real_B) × 4"


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
    page.locator("#sort").select_option(label="original order")
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
    assert page.evaluate("document.activeElement.querySelector('h2').textContent") == "1"
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
    assert page.evaluate("document.activeElement.querySelector('h2').textContent") == "3"
    press("/")
    page.keyboard.type("1j")
    assert page.locator("#filter").input_value() == "1j"


def transforms(page) -> list[str]:
    return page.locator("#stage img").evaluate_all(
        "all => all.map(i => getComputedStyle(i).transform)"
    )


def centre(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_wheel_zooms_all_pictures_about_the_pointer_and_dragging_moves_them(
    open_page, tmp_path
) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 9)))
    page.locator("article img").first.click()
    assert set(transforms(page)) == {"matrix(1, 0, 0, 1, 0, 0)"}
    x, y = centre(page, "#stage .pane >> nth=1")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -240)
    size = page.locator("#stage .pane").first.bounding_box()["width"]
    (only,) = set(transforms(page))  # linked
    scale, *_, right, down = map(float, only[7:-1].split(","))
    assert (scale, right, down) == (
        2,
        pytest.approx(-size / 2, abs=1),
        pytest.approx(-size / 2, abs=1),
    )
    page.mouse.down()
    page.mouse.move(x + 0.25 * size, y - 5 * size, steps=3)
    page.mouse.up()
    (only,) = set(transforms(page))
    right, down = map(float, only[7:-1].split(",")[4:])
    assert (right, down) == (
        pytest.approx(-size / 4, abs=1),
        pytest.approx(-size, abs=1),
    )  # no farther than its edge
    page.keyboard.press("ArrowRight")
    assert set(transforms(page)) == {only}  # the next example is seen at the same place
    page.keyboard.press("0")
    assert set(transforms(page)) == {"matrix(1, 0, 0, 1, 0, 0)"}
    page.keyboard.press("+")
    assert page.locator("#whole").text_content().endswith("%")
    page.keyboard.press("-")
    assert page.locator("#whole").text_content() == "Fit"
    page.mouse.dblclick(x, y)
    assert transforms(page)[0].startswith("matrix(4,")


def test_two_fingers_zoom(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(5)), width=390, height=800, has_touch=True)
    page.locator("article img").first.tap()
    x, y = centre(page, "#stage .pane >> nth=0")
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": place, "y": y, "id": number} for number, place in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x - 20)
    touch("touchStart", x - 20, x + 20)
    touch("touchMove", x - 20, x + 60)
    touch("touchEnd")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('#stage img')).transform.startsWith('matrix(2,')"
    )


def test_coordinates_are_shown_everywhere_and_values_where_the_browser_lets_pixels_be_read(
    open_page, tmp_path
) -> None:
    path = two_colours(tmp_path)
    page = open_page(path)
    page.locator("article img").first.click()
    page.mouse.move(*centre(page, "#stage .pane >> nth=1"))
    page.wait_for_function("readout.textContent.startsWith('x 12, y 12 of 24 × 24')")
    assert "values need a web server" in page.locator("#readout").text_content()
    with served(tmp_path) as address:
        page = open_page(f"{address}/index.html")
        page.locator("article img").first.click()
        page.locator("#stage img").nth(1).evaluate("image => image.decode()")
        page.mouse.move(*centre(page, "#stage .pane >> nth=1"))
        page.wait_for_function("readout.textContent.includes('fake 0 0 200')")
        assert "real 200 0 0" in page.locator("#readout").text_content()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_knob_of_the_swipe_is_where_the_cut_is(open_page, tmp_path) -> None:
    page = open_page(two_colours(tmp_path))
    page.locator("article img").first.click()
    page.keyboard.press("s")
    box = page.locator("#stage .pane").bounding_box()
    page.mouse.click(box["x"] + 0.15 * box["width"], box["y"] + 30)
    assert centre(page, ".knob")[0] == pytest.approx(box["x"] + 0.15 * box["width"], abs=3)
    page.keyboard.press("Tab")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    assert float(page.locator("#slider").input_value()) > 15


def test_back_closes_the_large_view_and_enter_on_a_picture_opens_it(open_page, tmp_path) -> None:
    page = open_page("about:blank")
    page.goto(result_page(tmp_path, with_errors(5, 9)).as_uri())
    page.locator("article a").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#view").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash.includes('show=1')")
    page.go_back()
    assert not page.locator("#view").is_visible()
    assert page.url.endswith("index.html") or page.url.endswith("#")
    page.go_forward()
    assert page.locator("#view").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash === ''")
    page.go_back()
    assert page.url == "about:blank"  # nothing of the view is left behind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("l1=0.2", ["1"]),  # 0.196, as it is written with one decimal
        ("l1=0.05..0.2", ["1", "2"]),
        ("l1>0,1", ["1"]),
        ("l1>1e-1", ["1"]),
        ("1 l1<0.9", ["1"]),
        ("L1 >= 0.078", ["1", "2"]),
    ],
)
def test_conditions_may_be_written_in_several_ways(open_page, tmp_path, text, found) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 50, 20)))
    page.locator("#filter").fill(text)
    assert names(page) == found
    assert not page.locator("#problem").is_visible()


def test_a_filter_says_what_it_does_not_understand_and_that_nothing_matches(
    open_page, tmp_path
) -> None:
    page = open_page(result_page(tmp_path, with_errors(5, 50)))
    page.locator("#filter").fill("ssim>0.5")
    assert (
        page.locator("#problem").text_content() == "No number is called “ssim”. There are l1, psnr."
    )
    assert len(names(page)) == 2
    page.locator("#filter").fill("l1>")
    assert "needs a number" in page.locator("#problem").text_content()
    page.locator("#filter").fill("nobody")
    assert names(page) == ["Nothing matches"]
    assert page.locator("#count").text_content() == "0 of 2 examples"
    page.locator(".nothing button").click()
    assert names(page) == ["0", "1"]


def test_dragging_over_the_distribution_filters_and_the_scores_follow(open_page, tmp_path) -> None:
    page = open_page(result_page(tmp_path, with_errors(*range(0, 100, 10))))
    mean = page.locator("#scores tr:has-text('l1') td").first
    assert mean.text_content() == f"{45 / 255:.4f}"
    box = page.locator("#histogram").bounding_box()
    page.mouse.move(box["x"] + 0.48 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 5, box["y"] + 40, steps=4)
    page.mouse.up()
    assert names(page) == ["5", "6", "7", "8", "9"]
    assert page.locator("#filter").input_value().startswith("l1>=0.1")
    assert mean.text_content() == f"{70 / 255:.4f}"
    page.locator("#all-values").click()
    assert len(names(page)) == 10
    page.locator("#to").focus()
    page.keyboard.press("PageDown")
    assert page.locator("#filter").input_value().startswith("l1<=")
    page.locator("#filter").fill("")
    page.locator("#scores button", has_text="psnr").click()
    assert page.locator("#which").evaluate("select => select.selectedOptions[0].text") == "psnr"
    page.locator("#ends button").first.click()
    assert page.locator("#name").text_content() == "9"  # the worst


def test_stars_stay_and_what_is_chosen_can_be_taken_away(open_page, tmp_path) -> None:
    path = result_page(tmp_path, with_errors(5, 50, 20))
    page = open_page(path, permissions=["clipboard-read", "clipboard-write"])
    page.locator("article").nth(1).locator(".star").click()
    page.locator("article img").last.click()
    page.keyboard.press("f")
    page.keyboard.press("Escape")
    assert page.locator("#starred").text_content() == "★ 2"
    page.locator("#starred").click()
    assert names(page) == ["1", "2"]
    page.wait_for_function("location.hash.includes('starred')")
    page.reload()
    assert names(page) == ["1", "2"]
    page.locator("summary", has_text="Export").click()
    page.locator("#copy-names").click()
    page.wait_for_function("exported.value === '2 names copied.'")
    assert page.evaluate("navigator.clipboard.readText()") == "1\n2\n"
    with page.expect_download() as download:
        page.locator("#csv").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "name,starred,l1,psnr"
    assert lines[1].startswith("1,1,0.196")
    assert len(lines) == 3
