"""What a browser shows of a run in visdom."""

from __future__ import annotations

import time

import pytest
from helpers.visdom import IMAGES, at, needs_visdom, sink

from util.logs.visdom import server as visdom_server

pytestmark = [needs_visdom, pytest.mark.timeout(180)]

NAME = """<script>document.title='broken into'</script> "5%" #1 'a'"""


@pytest.fixture
def visdom_page(open_page):
    """visdom_page(port, env) opens an environment in a browser."""
    if not (visdom_server.find_visdom() / "static/version.built").exists():
        pytest.skip("the scripts of visdom's page could not be fetched")
    return lambda port, env: open_page(
        f"http://127.0.0.1:{port}/env/{env}", width=1500, height=2500
    )


def window(page, title: str):
    """The window whose title ends so."""
    bar = page.locator(".bar", has_text=title)
    return page.locator(".react-grid-item", has=bar).first


def box(page, title: str) -> tuple[int, ...]:
    """(x, y, width, height) of a window, when it has come to rest."""
    found, last = None, ()
    while found is None or found != last:
        last, found = found, tuple(round(v) for v in window(page, title).bounding_box().values())
        time.sleep(0.3)
    return found


def log_all(visdom, x: float) -> None:
    visdom.losses(at(x), {"G": 1.0 / (1 + x), "D": 0.5})
    visdom.scores(at(x), {"val_l1": 0.1, "val_psnr": 20.0})
    visdom.health(at(x), {"score_D_real": 0.9, "score_D_fake": 0.2, "grad_G": 3.0})
    visdom.images(at(x), IMAGES)


def test_every_window_is_drawn_and_names_are_text(port, visdom_page):
    with sink(port, "page", name=NAME) as visdom:
        for x in (0, 1):
            log_all(visdom, x)
    page = visdom_page(port, "page")
    lines = {
        "losses": 2,
        "learning rate": 1,
        "validation": 2,
        "discriminator scores": 2,
        "gradient norms": 1,
    }
    for title, count in lines.items():
        drawn = window(page, f"{NAME}: {title}" if title != "gradients" else title)
        drawn.locator(".plot .js-line").nth(count - 1).wait_for(state="attached")
        assert drawn.locator(".plot .js-line").count() == count
        assert "NaN" not in drawn.locator(".plot .js-line").first.get_attribute("d")
    legend = window(page, ": losses").locator(".legendtext")
    assert legend.all_text_contents() == ["G", "D"]
    assert window(page, ": images").locator("img").evaluate("it => it.naturalWidth") == 24
    assert "<script>" in window(page, ": labels").inner_text()
    run = window(page, ": run").inner_text()
    assert NAME in run
    assert "done" in run
    assert page.title() == "visdom"


def test_windows_stay_where_and_as_large_as_the_user_has_made_them(port, visdom_page):
    with sink(port, "places") as visdom:
        log_all(visdom, 0)
        log_all(visdom, 1)
        page = visdom_page(port, "places")
        window(page, ": run").wait_for()
        window(page, ": losses").locator(".plot .js-line").first.wait_for()
        _drag(page, window(page, ": losses").locator(".bar"), 700, 500)
        _drag(page, window(page, ": images").locator(".react-resizable-handle"), 150, 90)
        assert box(page, ": images")[2] > 600
        moved = {title: box(page, title) for title in (": losses", ": images", ": run")}
        before = window(page, ": losses").locator(".plot .js-line").first.get_attribute("d")
        for x in (2, 3, 4):
            log_all(visdom, x)
            page.wait_for_timeout(500)
        page.wait_for_function(
            "before => [...document.querySelectorAll('.plot .js-line')].every(it => it.getAttribute('d') != before)",
            arg=before,
        )
        assert {title: box(page, title) for title in moved} == moved
    page.reload()
    window(page, ": images").wait_for()
    assert box(page, ": images")[2:] == pytest.approx(moved[": images"][2:], abs=5)
    # Where windows are put after that is up to the page, which on a busy machine may forget a place.
    assert box(page, ": losses")[2:] == pytest.approx(moved[": losses"][2:], abs=5)


def test_a_page_opened_later_has_windows_of_their_first_size(port, visdom_page):
    with sink(port, "sizes") as visdom:
        log_all(visdom, 0)
        first = visdom_page(port, "sizes")
        window(first, ": run").wait_for()
        width = box(first, ": losses")[2]
        log_all(visdom, 1)
        visdom.close()
    later = visdom_page(port, "sizes")
    window(later, ": losses").wait_for()
    assert 550 < width < 650
    assert box(later, ": losses")[2] == pytest.approx(width, abs=5)


def _drag(page, what, right: int, down: int) -> None:
    x, y, width, height = what.bounding_box().values()
    page.mouse.move(x + width / 2, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + width / 2 + right, y + height / 2 + down, steps=8)
    page.mouse.up()
