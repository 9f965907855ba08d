"""Pages of a run find each other, wherever their folders lie and whichever is written first."""

from __future__ import annotations

from pathlib import Path

import dominate
import pytest
from bad_inputs.pages import Page
from helpers.gallery import result_page, with_errors

from util.design.links import add_link, link_bar, links_to, read_links


def write_page(path: Path, links: dict[str, str]) -> Path:
    page = dominate.document(title="a page")
    with page:
        link_bar(path, links)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.render(pretty=False), encoding="utf-8")
    return path


ODD = ["a b", 'x"><script>alert(1)', "50% & #1?", "深/ü"]


@pytest.mark.parametrize("name", ODD)
def test_a_link_is_put_into_a_page_that_is_there_and_leads_to_the_file(name, tmp_path) -> None:
    page = write_page(tmp_path / "a/index.html", {})
    target = write_page(tmp_path / name.replace("/", "_") / "index.html", {})
    add_link(page, name, target)
    add_link(page, name, target)
    read = Page(page.read_text(encoding="utf-8"))
    assert read.texts["a"] == [name]
    assert "script" not in read.tags
    assert list(read_links(page.read_text(encoding="utf-8"))) == [name]
    assert links_to({name: target}, page.parent) == {name: f"../{target.parent.name}/index.html"}


def test_a_page_that_is_written_again_keeps_the_links_whose_pages_are_still_there(tmp_path) -> None:
    page = write_page(tmp_path / "a/index.html", {})
    for name in ("kept", "gone"):
        add_link(page, name, write_page(tmp_path / name / "index.html", {}))
    (tmp_path / "gone/index.html").unlink()
    write_page(page, {"own": "own.html"})
    assert list(read_links(page.read_text(encoding="utf-8"))) == ["kept", "own"]


def test_files_that_are_no_pages_of_ours_stay_as_they_are(tmp_path) -> None:
    other = tmp_path / "index.html"
    other.write_text("<html>mine</html>")
    add_link(other, "Results", tmp_path / "x.html")
    add_link(tmp_path / "missing.html", "Results", tmp_path / "x.html")
    assert other.read_text() == "<html>mine</html>"
    assert not (tmp_path / "missing.html").exists()


def test_a_training_page_and_its_results_link_each_other(tmp_path) -> None:
    training = write_page(tmp_path / "checkpoints/mine/web/index.html", {})
    pages = {"Training": training, "All runs": tmp_path / "checkpoints/index.html"}
    page = result_page(tmp_path / "results/mine/test_latest", with_errors(5), pages=pages)
    assert read_links(page.read_text()) == {"Training": "../../../checkpoints/mine/web/index.html"}
    assert read_links(training.read_text()) == {
        "Results test_latest": "../../../results/mine/test_latest/index.html"
    }
