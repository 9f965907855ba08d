"""Result folders of flat pictures, whose pages can be told by their colours; and reading such pages."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from util.pages.results import ResultWriter

LABELS = ("real_A", "fake_B", "real_B")


def flat(*colour: int, height: int = 24, width: int = 24) -> np.ndarray:
    """A picture of one colour: uint8 (H, W, 3), or (H, W) of one level."""
    return np.full(
        (height, width, len(colour)) if len(colour) > 1 else (height, width), colour, np.uint8
    )


def result_page(folder: Path, pictures: dict[str, dict[str, np.ndarray]], **options) -> Path:
    """The page of test.py for name -> label -> picture."""
    options = {"width": 120, **options}
    with ResultWriter(folder, "a title", dataroot="D", phase="test", **options) as writer:
        for number, (name, images) in enumerate(pictures.items()):
            writer.add(number, dict.fromkeys(images, f"D/test/{name}.png"), images)
    return folder / "index.html"


def with_errors(*errors: int) -> dict[str, dict[str, np.ndarray]]:
    """Pairs that are called 0, 1, ...: inputs are red, truths grey, outputs so many levels off."""
    return {
        str(number): dict(
            zip(LABELS, (flat(200, 0, 0), flat(*[100 + error] * 3), flat(*[100] * 3)), strict=True)
        )
        for number, error in enumerate(errors)
    }


def names(page: Page) -> list[str]:
    """Of the examples on the page, in their order."""
    return page.locator("main h2").all_text_contents()


def pixel(page: Page, selector: str, x: float, y: float = 0.5) -> tuple[int, int, int]:
    """The colour that is seen at a part of an element's width and height."""
    shot = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    return shot.getpixel((int(x * (shot.width - 1)), int(y * (shot.height - 1))))


def numbers(html: str) -> dict:
    """What a page holds for its script."""
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', html, re.S)[1])


def near(seen: tuple[int, ...], wanted: tuple[int, ...], by: int = 3) -> bool:
    """Whether two colours differ by no more than a few levels."""
    return bool(np.abs(np.subtract(seen, wanted)).max() <= by)
