"""The browser demo in a real browser: what is drawn there is translated there, as Python would."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import OpenPage
from helpers.web_demo import Quiet, canvas, frames, make_demo, served, wait_for_frame
from PIL import Image
from playwright.sync_api import Page

from models.inference.translator import load_translator
from scripts import make_web_demo
from scripts.lib.web_demo.palette import colour_name, palette
from util.errors import InputError


@pytest.fixture(scope="module")
def folder(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(checkpoints, "plain", tmp_path_factory.mktemp("demo") / "page")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as url:
        yield url


@pytest.fixture
def page(open_page: OpenPage, address: str) -> Page:
    opened = open_page(address, permissions=["camera"])
    wait_for_frame(opened)
    return opened


def press_and_drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """By the mouse, from one point of the drawing to another; both as shares of its sides."""
    box = page.locator("#input").bounding_box()
    assert box
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()


def test_what_is_drawn_is_translated_as_python_does(page, checkpoints) -> None:
    before, count = canvas(page, "input"), frames(page)
    press_and_drag(page, (0.2, 0.2), (0.8, 0.7))
    wait_for_frame(page, count)
    drawn = canvas(page, "input")
    assert 10 < (drawn != before).any(-1).sum() < 200
    wanted = load_translator(checkpoints / "plain", device="cpu")(drawn)
    difference = np.abs(canvas(page, "output").astype(int) - wanted)
    assert difference.max() <= 2
    assert wanted.std() > 1  # not a plane on which anything agrees
    assert "ms" in page.inner_text("#time")
    assert "WASM" in page.inner_text("#backend")
    assert re.match("identical|differs by at most 1 of", page.inner_text("#agreement"))


def test_the_page_asks_its_own_server_alone(open_page, address) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    wait_for_frame(page)
    press_and_drag(page, (0.1, 0.5), (0.9, 0.5))
    assert any(url.endswith("generator.onnx.gz") for url in asked)
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)


def test_the_page_may_not_reach_another_server(browser, address) -> None:
    page = browser.new_page()
    page.goto(address)
    with served(Path(__file__).parent) as elsewhere:
        refused = page.evaluate(
            """async (url) => {
                const told = new Promise((tell) => addEventListener("securitypolicyviolation", (e) => tell(e.blockedURI)));
                return fetch(url, {mode: "no-cors"}).then(() => "reached", () => told);
            }""",
            f"{elsewhere}conftest.py",
        )
    assert refused.startswith(elsewhere)
    page.close()


def test_tools_draw_whole_pixels_of_the_chosen_colour_and_can_be_undone(page) -> None:
    start = canvas(page, "input")
    page.click("#clear")
    background = canvas(page, "input")[0, 0]
    page.click("#palette button:nth-of-type(3)")
    colour = page.get_attribute("#palette button:nth-of-type(3)", "value")
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    page.click("#tools [value=rectangle]")
    press_and_drag(page, (0.26, 0.26), (0.74, 0.74))
    boxed = canvas(page, "input")
    inside = (boxed == rgb).all(-1)
    assert inside[8:24, 8:24].all()
    assert inside.sum() == 16 * 16
    assert (boxed[~inside] == background).all()

    page.click("#tools [value=fill]")
    page.click("#palette button:nth-of-type(2)")
    page.locator("#input").click(position={"x": 2, "y": 2})
    assert not (canvas(page, "input")[~inside] == background).all(-1).any()
    page.click("#tools [value=eraser]")
    press_and_drag(page, (0.5, 0.1), (0.5, 0.9))
    assert (canvas(page, "input")[16, 16] == background).all()

    page.click("#undo")
    page.click("#undo")
    assert np.array_equal(canvas(page, "input"), boxed)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert np.array_equal(canvas(page, "input"), start)
    assert page.is_disabled("#undo")
    page.click("#redo")
    assert (canvas(page, "input") == background).all()


def test_the_oval_fills_the_ellipse_between_two_corners(page) -> None:
    page.click("#clear")
    background = canvas(page, "input")[0, 0]
    page.click("#tools [value=ellipse]")
    press_and_drag(page, (0.01, 0.26), (0.99, 0.74))  # 32 x 16 pixels
    inside = (canvas(page, "input") != background).any(-1)
    assert inside.any(0).all()
    assert inside.any(1).sum() == 16
    assert np.array_equal(inside, inside[:, ::-1])
    assert np.array_equal(inside[::-1], inside)
    assert inside.sum() == pytest.approx(np.pi * 16 * 8, rel=0.04)


def test_a_photo_is_cut_to_its_middle_square_and_what_is_no_picture_is_told(page) -> None:
    file = io.BytesIO()
    photo = np.zeros((32, 96, 3), np.uint8)
    photo[:, 32:64] = (10, 200, 30)
    Image.fromarray(photo).save(file, "PNG")
    count = frames(page)
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()})  # fmt: skip
    wait_for_frame(page, count)
    assert (canvas(page, "input") == (10, 200, 30)).all()
    page.set_input_files("#file", {"name": "b.png", "mimeType": "image/png", "buffer": b"no picture"})  # fmt: skip
    page.wait_for_selector("#status.wrong")
    assert "b.png is not a picture" in page.inner_text("#status")
    page.click("#samples button:nth-of-type(1)")
    page.wait_for_selector("#status:not(.wrong)")


def test_another_part_of_a_photo_can_be_chosen(page) -> None:
    file = io.BytesIO()
    photo = np.zeros((32, 96, 3), np.uint8)
    photo[:, 64:] = (10, 200, 30)
    Image.fromarray(photo).save(file, "PNG")
    count = frames(page)
    assert page.is_hidden("#crop")
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()})  # fmt: skip
    wait_for_frame(page, count)
    assert not canvas(page, "input").any()
    page.fill("#across", "100")
    assert (canvas(page, "input") == (10, 200, 30)).all()
    page.fill("#across", "50")
    page.fill("#zoom", "2")
    assert not canvas(page, "input").any()


def test_samples_are_inputs_of_the_test_set(page, folder) -> None:
    count = frames(page)
    page.click("#samples button:nth-of-type(2)")
    wait_for_frame(page, count)
    assert np.array_equal(canvas(page, "input"), np.asarray(Image.open(folder / "sample1.png")))


def test_the_camera_is_translated_until_it_is_switched_off(page) -> None:
    count = frames(page)
    page.click("#camera")
    wait_for_frame(page, count + 3)
    page.click("#camera")
    page.wait_for_timeout(200)
    count = frames(page)
    page.wait_for_timeout(300)
    assert frames(page) == count
    assert page.get_attribute("#camera", "aria-pressed") == "false"


def test_the_slider_and_the_download_show_what_was_translated(page) -> None:
    assert np.array_equal(canvas(page, "before"), canvas(page, "input"))
    box = page.locator("#compare").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 9)
    assert page.input_value("#cut") == "25"
    with page.expect_download() as download:
        page.click("#download")
    assert np.array_equal(np.asarray(Image.open(download.value.path()).convert("RGB")), canvas(page, "output"))  # fmt: skip
    with page.expect_download() as download:
        page.click("#both")
    both = np.asarray(Image.open(download.value.path()).convert("RGB"))[::16, ::16]
    assert np.array_equal(both, np.concatenate([canvas(page, "before"), canvas(page, "output")], 1))


def test_on_a_phone_all_fits_and_a_finger_draws(open_page, address) -> None:
    page = open_page(address, width=390, height=844, has_touch=True, is_mobile=True)
    wait_for_frame(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("input", "output", "tools"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["y"] + box["height"] <= 844
    start = canvas(page, "input")
    box = page.locator("#input").bounding_box()
    page.touchscreen.tap(box["x"] + 50, box["y"] + 50)
    assert not np.array_equal(canvas(page, "input"), start)


def test_opened_as_a_file_it_says_what_to_do(browser, folder) -> None:
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    page.get_by_text("python -m http.server").wait_for(state="visible")  # not while it only loads
    page.close()


def test_a_network_that_cannot_be_fetched_is_told(browser, folder, tmp_path) -> None:
    shutil.copytree(folder, tmp_path / "page")
    (tmp_path / "page/generator.onnx.gz").unlink()
    with served(tmp_path / "page") as url:
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#status.wrong")
        assert "generator.onnx.gz could not be fetched (404)" in page.inner_text("#status")
        page.close()


def test_examples_are_seen_translated_before_the_network_is_there(browser, folder, address) -> None:
    page = browser.new_page()
    page.route("**/*.gz", lambda route: None)  # never answered
    page.goto(address)
    for number in (0, 1):
        page.click(f"#samples button:nth-of-type({number + 1})")
        known = np.asarray(Image.open(folder / f"result{number}.png"))
        page.wait_for_timeout(100)
        assert np.array_equal(canvas(page, "output"), known)
        assert page.get_attribute("#compare", "aria-busy") == "false"
    assert page.is_visible("#loading")
    assert "examples can be seen" in page.inner_text("#status")
    press_and_drag(page, (0.2, 0.2), (0.8, 0.7))
    assert page.get_attribute("#compare", "aria-busy") == "true"
    page.close()


class Unpacking(Quiet):
    """Says of .gz files that they are compressed, so that browsers unpack them, as some servers do."""

    def end_headers(self) -> None:
        if self.path.endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()


def test_servers_may_let_the_browser_unpack(open_page, folder) -> None:
    with served(folder, Unpacking) as url:
        page = open_page(url)
        wait_for_frame(page)
        assert re.match("identical|differs by at most 1 of", page.inner_text("#agreement"))


def test_a_small_page_has_chosen_colours_credits_and_no_runtime_for_graphics_cards(
    checkpoints, tmp_path, open_page
) -> None:
    (tmp_path / "LICENSE.txt").write_text("Free for all.", encoding="utf-8")
    words = ["--no_webgpu", "--half", "--palette", "#FFFFFF, #123456", "--credits", "Maps by Ada."]
    page = make_demo(
        checkpoints, "plain", tmp_path / "page", *words, "--licence", str(tmp_path / "LICENSE.txt")
    )
    assert not list(page.glob("*webgpu*"))
    licences = (page / "licences.txt").read_text(encoding="utf-8")
    assert "ONNX Runtime Web" in licences
    assert "Free for all." in licences
    with served(page) as url:
        opened = open_page(url + "?backend=webgpu")
        wait_for_frame(opened)
        assert "WASM" in opened.inner_text("#backend")
        assert opened.locator("#palette button").count() == 2
        assert opened.inner_text("#credits") == "Maps by Ada."
        assert (
            np.abs(
                canvas(opened, "output").astype(int) - np.asarray(Image.open(page / "result0.png"))
            ).max()
            <= 2
        )


def test_weights_of_half_precision_compress_to_much_less(folder, checkpoints, tmp_path) -> None:
    page = make_demo(
        checkpoints, "plain", tmp_path / "page", "--no_webgpu", "--half", "--samples", "0"
    )
    small = (page / "generator_half_weights.onnx.gz").stat().st_size
    assert small < 0.8 * (folder / "generator.onnx.gz").stat().st_size


def test_the_palette_is_of_the_exact_colours_that_cover_most() -> None:
    labels = np.full((64, 64, 3), (0, 6, 217), np.uint8)
    labels[:20] = (255, 85, 0)
    labels[40:44, :20] = (0, 170, 255)
    assert palette([Image.fromarray(labels)]) == ["#0006d9", "#ff5500", "#00aaff"]


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("#ffffff", "white"),
        ("#000000", "black"),
        ("#808080", "grey"),
        ("#0006d9", "blue"),
        ("#00aaff", "blue"),
        ("#ff5500", "orange"),
        ("#003300", "dark green"),
        ("#ffc0cb", "pink"),
        ("#663311", "brown"),
        ("#ff0000", "red"),
        ("#ff00aa", "pink"),
    ],
)
def test_colours_have_names_that_one_would_say(colour, name) -> None:
    assert colour_name(colour) == name


def test_networks_and_sizes_that_no_page_can_have_are_refused(checkpoints, tmp_path) -> None:
    words = ["--name", "plain", "--checkpoints_dir", str(checkpoints), "--out", str(tmp_path)]
    with pytest.raises(InputError, match=r"--size 30 does not fit this generator.* use 32"):
        make_web_demo.main([*words, "--size", "30"])
    with pytest.raises(InputError, match=r"give a folder of input images by --images"):
        make_web_demo.main([*words, "--phase", "nowhere"])
    with pytest.raises(InputError, match=r"--palette: 'red' is no colour"):
        make_web_demo.main([*words, "--palette", "red"])
    with pytest.raises(InputError, match=r"--licence .*nowhere cannot be read"):
        make_web_demo.main([*words, "--licence", str(tmp_path / "nowhere")])
