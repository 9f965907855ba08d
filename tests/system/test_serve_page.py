"""The page of scripts/serve.py in a real browser: a picture that is dropped comes back translated."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import OpenPage
from helpers.serving import png, serving
from PIL import Image
from playwright.sync_api import Page

from models.inference.translator import load_translator

pytestmark = pytest.mark.usefixtures("warm")

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def address(checkpoints: Path) -> Iterator[str]:
    with serving(checkpoints, "plain", "--max_megapixels", "0.1") as (_, port):
        yield f"http://127.0.0.1:{port}/"


def choose(page: Page, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})


def test_a_chosen_picture_is_translated_as_python_does_and_can_be_downloaded(
    open_page: OpenPage, address: str, checkpoints: Path
) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    array, content = png(36, 44)
    choose(page, "map.png", content)
    page.wait_for_selector("#output img")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "map_translated.png"
    made = np.asarray(Image.open(download.value.path())).astype(int)
    wanted = load_translator(checkpoints / "plain", device="cpu")(array)
    assert np.abs(made - wanted).max() <= 1
    assert page.get_attribute("#output", "aria-busy") == "false"
    assert all(url.startswith((address, "blob:")) for url in asked)
    assert f"curl -F image=@photo.jpg {address}translate" in page.inner_text("#api")


def test_a_refusal_is_told_in_words_and_goes_away_with_the_next_picture(
    browser, address: str
) -> None:
    page = browser.new_page()
    page.goto(address)
    choose(page, "notes.png", b"no picture")
    page.wait_for_selector("#status.wrong")
    assert "Not translated: " in page.inner_text("#status")
    large = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(large, "PNG")
    choose(page, "large.png", large.getvalue())
    page.locator("#status", has_text="pixels").wait_for()
    choose(page, "map.png", png()[1])
    page.wait_for_selector("#output img")
    assert page.inner_text("#status") == ""
    page.close()


def test_on_a_phone_the_page_is_no_wider_than_the_screen(open_page: OpenPage, address: str) -> None:
    page = open_page(address, width=390, height=844, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
