"""The showcase in docs/demo works in a real browser on any web server, and is small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import OpenPage
from helpers.web_demo import canvas, frames, served, wait_for_frame
from PIL import Image

from scripts.lib.web_demo.writing import Demo, write_demo

FOLDER = Path(__file__).parents[2] / "docs/demo"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(FOLDER) as url:
        yield url


def test_examples_are_translated_to_the_pictures_that_are_kept(
    open_page: OpenPage, address
) -> None:
    page = open_page(address)
    wait_for_frame(page)
    results = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))["results"]
    for number in (1, 6):
        count = frames(page)
        page.click(f"#samples button:nth-of-type({number + 1})")
        wait_for_frame(page, count)
        kept = np.asarray(Image.open(FOLDER / results[number])).astype(int)
        assert kept.std() > 20
        assert np.abs(canvas(page, "output") - kept).max() <= 3


def test_it_says_whose_pictures_it_has_learnt_from(open_page: OpenPage, address) -> None:
    page = open_page(address)
    assert "Fluent Emoji" in page.inner_text("#credits")
    licences = page.evaluate("fetch(document.querySelector('a').href).then((one) => one.text())")
    assert licences.count("Permission is hereby granted") == 2


def test_it_is_the_page_that_make_web_demo_writes_today(tmp_path) -> None:
    demo = Demo(**json.loads((FOLDER / "model.json").read_text(encoding="utf-8")))
    write_demo(tmp_path, demo, runtime={}, pictures={}, licence="")
    for written in tmp_path.iterdir():
        kept = (FOLDER / written.name).read_bytes()
        assert kept.startswith(written.read_bytes()), (
            f"make docs/demo again: {written.name} differs"
        )


def test_all_of_it_is_fetched_in_seconds() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6e6
