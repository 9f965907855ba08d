"""No page breaks a rule of axe, in light and in dark: names of controls, contrast, headings, landmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import picture
from helpers.browser import OpenPage
from helpers.gallery import LABELS, result_page
from helpers.serving import serving
from helpers.training_page import log_epochs, log_examples, open_sink
from helpers.web_demo import make_demo, served, wait_for_frame
from playwright.sync_api import Page, expect

from scripts import compare_results, evaluate
from util.logs.home_page.folders import write_home
from util.logs.logger import At
from util.logs.records import FILE
from util.logs.sinks.record import RecordSink

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def broken_rules() -> Callable[[Page], list[str]]:
    """broken_rules(page) lists what axe finds: rule and elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def listed(page: Page) -> list[str]:
        found = axe.run(page).response["violations"]
        return [
            f"{rule['id']}: {', '.join(str(node['target'][0]) for node in rule['nodes'])} {rule['nodes'][0]['failureSummary']}"
            for rule in found
        ]

    return listed


@pytest.fixture
def results(tmp_path: Path) -> list[Path]:
    """Two result folders of eight inputs."""
    folders = []
    for name, shift in (("one", 3), ("other", 9)):
        pictures = {
            str(n): {label: picture(n + shift * i, 24, 24) for i, label in enumerate(LABELS)}
            for n in range(8)
        }
        folder = tmp_path / "results" / name / "test_latest"
        result_page(folder, pictures)
        folders.append(folder)
    return folders


def log_run(folder: Path, ending: str, reason: str = "") -> None:
    page = open_sink(folder / "web", folder.name, epochs=3)
    start = {"name": folder.name, "options": {"lr": 1}, "changed": [], "last_epoch": 3}
    record = RecordSink(folder / FILE, {**start, "epoch_images": 10})
    log_epochs(page, 1, 2, 3)
    log_examples(page, 1, 2, 3)
    for sink in (page, record):
        sink.hint(At(2, 5, 15, 1.5), "the discriminator has won")
        sink.close(ending, reason)


@SCHEMES
@pytest.mark.parametrize("ending", ["", "done", "failed"])
def test_the_training_page(scheme, ending, tmp_path, open_page: OpenPage, broken_rules) -> None:
    log_run(tmp_path / "n", ending, "G became NaN")
    page = open_page(tmp_path / "n/web/index.html", color_scheme=scheme)
    expect(page.locator(".chart")).to_have_count(5)
    for summary in page.locator("summary").all():
        summary.click()
    page.locator(".chart .marks").first.hover(position={"x": 300, "y": 50})
    assert broken_rules(page) == []


@SCHEMES
def test_the_page_of_all_runs(scheme, tmp_path, open_page: OpenPage, broken_rules) -> None:
    log_run(tmp_path / "one", "done")
    log_run(tmp_path / "other", "failed", "G became NaN")
    write_home(tmp_path)
    page = open_page(tmp_path / "index.html", color_scheme=scheme)
    for name in ("one", "other"):
        page.get_by_label(f"Compare {name}").click()
    expect(page.locator("#charts .chart").first).to_be_visible()
    assert broken_rules(page) == []


@SCHEMES
def test_the_result_page_and_its_large_view(
    scheme, results, open_page: OpenPage, broken_rules
) -> None:
    page = open_page(results[0] / "index.html", color_scheme=scheme)
    expect(page.locator("#filter")).to_be_visible()
    assert broken_rules(page) == []
    page.locator("article img").first.click()
    for mode in ("all", "one", "swipe", "difference"):
        page.locator(f"#modes [value={mode}]").click()
        assert broken_rules(page) == []


@SCHEMES
def test_the_comparison_page(scheme, results, tmp_path, open_page: OpenPage, broken_rules) -> None:
    assert compare_results.main([*map(str, results), "--out", str(tmp_path / "c")]) == 0
    page = open_page(tmp_path / "c/index.html", color_scheme=scheme)
    expect(page.locator("#filter")).to_be_visible()
    assert broken_rules(page) == []


@SCHEMES
def test_the_evaluation_page(scheme, results, tmp_path, open_page: OpenPage, broken_rules) -> None:
    words = [*map(str, results), "--metrics", "l1,psnr", "--out", str(tmp_path / "e")]
    assert evaluate.main([*words, "--gpu_ids", "-1"]) == 0
    page = open_page(tmp_path / "e/index.html", color_scheme=scheme)
    expect(page.locator("h1")).to_be_visible()
    assert broken_rules(page) == []


@SCHEMES
def test_the_browser_demo(scheme, checkpoints, tmp_path, open_page: OpenPage, broken_rules) -> None:
    with served(make_demo(checkpoints, "plain", tmp_path / "demo")) as address:
        page = open_page(address, color_scheme=scheme, bypass_csp=True)
        wait_for_frame(page)
        assert broken_rules(page) == []


@SCHEMES
def test_the_showcase(scheme, open_page: OpenPage, broken_rules) -> None:
    with served(Path(__file__).parents[2] / "docs/demo") as address:
        page = open_page(address, color_scheme=scheme, bypass_csp=True)
        wait_for_frame(page)
        assert broken_rules(page) == []


@SCHEMES
def test_the_page_of_the_server(scheme, checkpoints, open_page: OpenPage, broken_rules) -> None:
    pytest.importorskip("uvicorn")
    with serving(checkpoints, "plain") as (_, port):
        page = open_page(f"http://127.0.0.1:{port}/", color_scheme=scheme, bypass_csp=True)
        expect(page.locator("h1")).to_be_visible()
        assert broken_rules(page) == []
