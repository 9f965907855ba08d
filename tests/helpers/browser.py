"""A real Chromium without a window, and pages opened in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # all other tests do without it
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one file of tests: playwright keeps an event loop, which asyncio in other tests would stumble over."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium or Chrome: install one (Debian: apt-get install chromium)")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        # Root, as in containers, cannot have Chromium's sandbox.
        one = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"],
        )
        yield one
        one.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """open_page(address, width=1280, height=900, **context) opens a file or a URL, and waits until it is loaded.

    context: what playwright's new_context takes, such as color_scheme="dark", has_touch=True, java_script_enabled=False.
    The test fails at its end when a script of a page has raised, or the page has complained on the console.
    """
    contexts, complaints = [], []

    def open_it(
        address: Path | str, *, width: int = 1280, height: int = 900, **context: Any
    ) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.goto(address.resolve().as_uri() if isinstance(address, Path) else address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not complaints
