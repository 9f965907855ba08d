"""What the mouse and the keys do on the result page, in a real browser: sorting, filtering, comparing two pictures."""

from __future__ import annotations

from pathlib import Path

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
