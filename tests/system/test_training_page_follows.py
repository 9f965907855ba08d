"""The training page in a browser, from disk, while a training writes it: where the run stands, and what is new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SMALL_TRAINING
from helpers.browser import OpenPage
from helpers.chart import tip
from helpers.runs import ROOT
from helpers.training_page import log_epochs, open_sink
from helpers.words import words
from playwright.sync_api import expect

from util.logs.logger import At
from util.logs.records import FILE, read_record

pytestmark = pytest.mark.usefixtures("warm")


def test_an_open_page_follows_a_training_without_a_reload(paired, tmp_path, open_page) -> None:
    line = [sys.executable, str(ROOT / "train.py"), "--dataroot", str(paired), "--name", "live"]
    line += words("--checkpoints_dir", tmp_path, "--model pix2pix --netG resnet_6blocks")
    flags = words("--n_epochs 5000 --print_freq 2 --display_freq 3")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*line, *SMALL_TRAINING, *flags], stdout=subprocess.DEVNULL, env=environment) as training:  # fmt: skip
        try:
            index = tmp_path / "live/web/index.html"
            while not index.exists():
                assert training.poll() is None
            page = open_page(index)
            expect(page.locator("#state")).to_have_text("Running")
            expect(page.locator(".chart").first).to_be_visible()
            page.evaluate("window.kept = 'since it was opened'")
            page.get_by_role("button", name="D_fake", exact=True).click()
            seen = tip(page, 1.0)["image"]
            expect(page.locator("#facts")).to_contain_text("time left")
            page.wait_for_function(
                f"() => parseInt(document.querySelector('#facts dd').textContent) > {seen // 6 + 2}"
            )
            assert tip(page, 1.0)["image"] > seen
            expect(page.locator("#pictures img")).to_have_count(3)
        finally:
            training.send_signal(signal.SIGINT)
            training.wait(60)
    expect(page.locator("#state")).to_contain_text("Stopped")
    assert page.evaluate("window.kept") == "since it was opened"
    hidden = page.get_by_role("button", name="D_fake", exact=True)
    assert hidden.get_attribute("aria-pressed") == "false"

    points = {at.run_images: values for at, values in read_record(tmp_path / "live" / FILE).losses}
    for share in (0.0, 0.3, 1.0):
        titles = page.locator(".chart h3").all_inner_texts()
        losses = [place for place, title in enumerate(titles) if title.startswith("Losses")]
        seen = set()
        for place in losses:
            found = tip(page, share, place)
            logged = points[found.pop("image")]
            assert found == {name: pytest.approx(logged[name], rel=1e-4) for name in found}
            seen |= found.keys()
        assert seen == {"G_GAN", "G_L1", "D_real"}


def test_a_page_that_is_open_takes_in_a_continued_run(tmp_path: Path, open_page: OpenPage) -> None:
    log_epochs(open_sink(tmp_path), 1, 2, 3)
    page = open_page(tmp_path / "index.html")
    page.locator("#epoch").fill("0")
    assert tip(page, 1.0)["image"] == 30
    log_epochs(open_sink(tmp_path, epochs=30), 1, 2)
    expect(page.locator("#facts")).to_contain_text("2 of 30")
    assert tip(page, 1.0)["image"] == 20
    expect(page.locator("#which")).to_have_text("Epoch 1 of 30")


def test_before_the_first_losses_it_tells_that_the_training_lives(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path, epochs=3, epoch_images=200, options={"print_freq": 100})
    sink.position(At(1, 24, 24, 0.12, trained=48.0))
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#first")).to_have_text(
        "The first numbers come after 100 images; 24 so far."
    )
    facts = page.locator("#facts")
    for text in ("1 of 3", "4%, 24 of 600 images", "48 s", "19 min 12 s", "0.5 images/s"):
        expect(facts).to_contain_text(text)
    sink.close("stopped")
    expect(page.locator("#state")).to_contain_text("Stopped at epoch 1 of 3, image 24 of 200.")
    expect(page.locator("#first")).to_be_hidden()


def test_a_single_print_has_a_time_of_training_and_no_chart_of_speed(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path, started=time.time() - 90)
    sink.losses(At(1, 5, 5, 0.5), {"G": 1.0})
    sink.position(At(1, 5, 5, 0.5))
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#facts")).to_contain_text("1 min 3")
    assert page.locator(".chart h3").all_inner_texts() == ["Losses", "Learning rate"]


def test_data_of_another_run_are_not_shown_while_they_are_being_replaced(
    tmp_path: Path, open_page: OpenPage
) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, 1, 2, 3)
    chunk = tmp_path / "data/00000.js"
    good = chunk.read_text()
    chunk.write_text(good.replace(sink.stream.id, "another"))
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#facts")).to_contain_text("0%")
    expect(page.locator(".chart")).to_have_count(0)
    chunk.write_text(good)
    expect(page.locator(".chart")).to_have_count(5, timeout=10_000)
    assert tip(page, 1.0)["image"] == 30


def test_a_run_that_went_silent_is_said_to_be(tmp_path: Path, open_page: OpenPage) -> None:
    sink = open_sink(tmp_path)
    log_epochs(sink, 1)
    sink.stream.write(when=1.6e9)
    page = open_page(tmp_path / "index.html")
    expect(page.locator("#state")).to_contain_text("No update for")
    expect(page.locator("#state")).to_contain_text("may have been killed")


def test_it_tells_progress_and_options_with_those_that_were_chosen_first(
    tmp_path: Path, open_page: OpenPage
) -> None:
    log_epochs(open_sink(tmp_path, epochs=40), *range(1, 11))
    page = open_page(tmp_path / "index.html")
    for text in ("10 of 40", "25%, 100 of 400 images", "0.001", "time left", "cpu"):
        expect(page.locator("#facts")).to_contain_text(text)
    expect(page).to_have_title("25% run")
    page.get_by_text("Options").click()
    rows = page.locator("#flags tr").all_inner_texts()
    assert [row.split() for row in rows] == [["lr", "0.1", "default:", "0.2"], ["beta1", "0.5"]]


NAMES = ['<script>alert("x")</script>', "a#b?c=d", "100%25 ü", "it's", "a&amp;b"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_shown_as_they_are_and_their_images_load(
    name: str, tmp_path: Path, open_page: OpenPage
) -> None:
    folder = tmp_path / name.replace("/", "_")
    label = name.replace("/", "_").replace(" ", "_")
    sink = open_sink(folder, name)
    sink.losses(At(1, 1, 1, 0.1), {name: 1.0})
    log_epochs(sink, 1, labels=[label])
    page = open_page(folder / "index.html")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#pictures figcaption")).to_have_text([label])
    image = page.locator("#pictures img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    assert (folder / "images" / f"epoch001_{label}.png").exists()
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
