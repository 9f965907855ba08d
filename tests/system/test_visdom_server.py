"""The visdom server, its page in a real browser where there is one, and the page's scripts."""

import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.visdom import needs_visdom, post

from util.logs.visdom.assets import ensure_assets

pytestmark = pytest.mark.timeout(120)


@needs_visdom
def test_the_server_is_reached_from_this_machine_only(port):
    with pytest.raises((ConnectionError, TimeoutError)):  # which a server on all addresses answers
        socket.create_connection(("127.0.0.2", port), timeout=1).close()


@needs_visdom
def test_other_web_pages_cannot_write(port):
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        post(port, "delete_env", {"eid": "main"}, Origin="http://elsewhere.example")
    refused.value.close()
    post(port, "env_state", {}, Origin=f"http://127.0.0.1:{port}")


@pytest.fixture
def static(tmp_path):
    """A folder like visdom's, whose page needs two scripts."""
    static = tmp_path / "static"
    static.mkdir()
    urls = ("js/jquery.min.js", "js/d3.v3.min.js", "../user/style.css")
    page = "".join(f'<script src={{{{ static_url("{url}") }}}}></script>' for url in urls)
    (static / "index.html").write_text(page)
    return static


@pytest.fixture
def visdom_fetches(tmp_path, monkeypatch):
    """Puts a visdom in the place of the installed one, whose download gives this content as every file."""

    def install(content: bytes) -> None:
        package = tmp_path / "site" / "visdom" / "server"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text("")
        (package / "build.py").write_text(f"""
from pathlib import Path
def download_scripts(install_dir):
    open({str(tmp_path / "calls")!r}, "a").write("called ")
    folder = Path(install_dir, "static", "js")
    folder.mkdir(parents=True)
    for name in ("jquery.min.js", "d3.v3.min.js"):
        (folder / name).write_bytes({content!r})
""")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    return install


def test_the_page_is_fetched_once_by_servers_that_start_together(static, tmp_path, visdom_fetches):
    visdom_fetches(b"content")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda s: ensure_assets(s, "0.2.4"), [static] * 4)) == [None] * 4
    assert (static / "js/d3.v3.min.js").read_bytes() == b"content"
    assert (static / "version.built").read_text() == "0.2.4"
    assert (tmp_path / "calls").read_text() == "called "


def test_a_page_of_an_older_visdom_is_replaced(static, visdom_fetches):
    visdom_fetches(b"new")
    (static / "js").mkdir()
    (static / "js/jquery.min.js").write_bytes(b"old")
    (static / "version.built").write_text("0.1.8")
    assert ensure_assets(static, "0.2.4") is None
    assert (static / "js/jquery.min.js").read_bytes() == b"new"


def test_a_login_page_is_not_taken_for_a_script(static, visdom_fetches):
    visdom_fetches(b"\n<html>please log in</html>")
    assert "js/jquery.min.js" in ensure_assets(static, "0.2.4")
    assert not (static / "js/jquery.min.js").exists()


def test_without_internet_one_line_says_what_to_do(static):
    assert "internet access" in ensure_assets(static, "0.2.4", download_seconds=0)
    assert not (static / "version.built").exists()


def test_a_folder_that_cannot_be_written_is_reported(static):
    (static / ".assets.lock").mkdir()
    assert "cannot be filled" in ensure_assets(static, "0.2.4")
