"""The page of all runs in a browser, opened as a file: the list, and runs laid over each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import OpenPage
from helpers.chart import ink
from helpers.training_page import log_epochs, log_examples, open_sink
from playwright.sync_api import expect

from util.logs.home_page.folders import write_home
from util.logs.logger import At
from util.logs.records import FILE
from util.logs.sinks.record import RecordSink

NAMES = ["alpha", "beta", '<b id="x">it#?%20']


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Three finished runs and one of the original code."""
    for number, name in enumerate(NAMES):
        folder = tmp_path / name
        page = open_sink(folder / "web", name, epochs=3)
        log_epochs(page, 1, 2, 3)
        log_examples(page, 1, 2, 3)
        options = {"lr": 0.1 * (number + 1), "name": name}
        record = RecordSink(folder / FILE, {
            "name": name, "options": options, "changed": ["lr"], "last_epoch": 3, "epoch_images": 10,
            "examples": {"phase": "val", "names": ["one", "two"]},
        })  # fmt: skip
        for epoch in (1, 2, 3):
            at = At(epoch, 10, 10 * epoch, float(epoch))
            record.losses(at, {"G": 1.0})
            record.scores(at, {"val_l1": (number + 1) / (10 * epoch)})
        for sink in (page, record):
            sink.close("done")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/loss_log.txt").write_text("")
    write_home(tmp_path)
    return tmp_path


def test_runs_are_listed_with_states_scores_and_the_flags_in_which_they_differ(
    checkpoints: Path, open_page: OpenPage
) -> None:
    page = open_page(checkpoints / "index.html")
    expect(page.locator("#count")).to_have_text("4 runs")
    page.locator("#sort").select_option("score")
    assert page.locator("#runs h2").all_inner_texts() == [*NAMES, "old"]
    row = page.locator(".run").nth(1)
    expect(row).to_contain_text("Finished")
    expect(row).to_contain_text("0.06667 epoch 3")
    assert row.locator(".chip").all_inner_texts() == ["lr 0.2"]
    image = row.locator("img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    assert row.locator("a").get_attribute("href") == "beta/web/index.html"
    page.locator("#filter").fill("lr=0.3")
    expect(page.locator("#count")).to_have_text("1 of 4 runs")
    assert page.locator("#runs h2").all_inner_texts() == NAMES[2:]


def test_ticked_runs_share_charts_and_show_the_same_examples(
    checkpoints: Path, open_page: OpenPage
) -> None:
    page = open_page(checkpoints / "index.html")
    for name in (NAMES[0], NAMES[2]):
        page.get_by_label(f"Compare {name}").click()
    expect(page.locator("#charts .chart")).to_have_count(5)
    chart = page.locator("#charts .chart").first
    expect(chart.locator("h3")).to_have_text("val_l1")
    expect(chart.locator(".legend button")).to_have_text([NAMES[0], NAMES[2]])
    assert ink(page)
    labels = page.locator("#examples p").all_inner_texts()
    assert labels == ["real_A", *(f"{name}: fake_B, epoch 3" for name in (NAMES[0], NAMES[2]))]
    page.locator("#epoch").fill("2")
    expect(page.locator("#examples p").nth(1)).to_have_text(f"{NAMES[0]}: fake_B, epoch 2")
    image = page.locator("#examples img").last
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    page.locator("#clear").click()
    expect(page.locator("#compare")).to_be_hidden()


def test_of_runs_that_differ_in_their_data_each_shows_its_flags_and_examples_or_that_it_has_none(
    tmp_path: Path, open_page: OpenPage
) -> None:
    for name, examples in {"one": ["a"], "two": ["b"], "three": []}.items():
        page = open_sink(tmp_path / name / "web", name, epochs=3)
        log_epochs(page, 1)
        start = {"name": name, "last_epoch": 3, "epoch_images": 10, "options": {"dataroot": name}}
        start["examples"] = {"phase": "val", "names": examples}
        record = RecordSink(tmp_path / name / FILE, start)
        record.losses(At(1, 10, 10, 1.0), {"G": 1.0})
        if examples:
            log_examples(page, 1)
    write_home(tmp_path)
    page = open_page(tmp_path / "index.html")
    page.locator("#sort").select_option("name")
    assert page.locator(".run .chip").all_inner_texts() == [
        "dataroot one", "dataroot three", "dataroot two"
    ]  # fmt: skip
    for name in ("one", "two", "three"):
        page.get_by_label(f"Compare {name}").click()
    expect(page.locator("#examples p").last).to_have_text("three has no examples yet")
    expect(page.locator("#same")).to_have_text("Examples")


def test_training_pages_lead_to_the_page_of_all_runs(
    checkpoints: Path, open_page: OpenPage
) -> None:
    page = open_page(checkpoints / "beta/web/index.html")
    page.get_by_role("link", name="All runs").click()
    expect(page.locator("#count")).to_have_text("4 runs")
