"""The visdom server, its page in a real browser where there is one, and the page's scripts."""

import socket
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.visdom import needs_visdom, post

from util.logs.visdom import assets as visdom_assets

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


def put_npm_on_path(monkeypatch, folder, content):
    """An npm that packs `content` as every file, and writes down that it was called."""
    npm = folder / "npm"
    npm.write_text(f"""#!{sys.executable}
import io, sys, tarfile
sys.path.insert(0, {str(Path.cwd())!r})
from util.logs.visdom.assets import VISDOM_0_2
open({str(folder / "calls")!r}, "a").write("called ")
for spec in VISDOM_0_2.keys() & set(sys.argv):
    with tarfile.open(spec.replace("@", "-") + ".tgz", "w:gz") as package:
        for path in VISDOM_0_2[spec]:
            member = tarfile.TarInfo("package/" + path)
            member.size = {len(content)}
            package.addfile(member, io.BytesIO({content!r}))
""")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def ensure(static):
    return visdom_assets.ensure_assets(static, "0.2.4", download_seconds=0)


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_the_page_is_fetched_once_by_servers_that_start_together(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"content")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ensure, [static] * 4)) == [None] * 4
    assert (static / "js/d3.v3.min.js").read_bytes() == b"content"
    assert (static / "version.built").read_text() == "0.2.4"
    assert (tmp_path / "calls").read_text() == "called "


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_a_page_of_an_older_visdom_is_replaced(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"new")
    (static / "js").mkdir()
    (static / "js/jquery.min.js").write_bytes(b"old")
    (static / "version.built").write_text("0.1.8")
    assert ensure(static) is None
    assert (static / "js/jquery.min.js").read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_a_login_page_is_not_taken_for_a_script(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"\n<html>please log in</html>")
    assert "js/jquery.min.js" in ensure(static)
    assert not (static / "js/jquery.min.js").exists()


def test_without_internet_and_npm_one_line_says_what_to_do(static, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "install" in ensure(static)
    assert not (static / "version.built").exists()


def test_a_folder_that_cannot_be_written_is_reported(static):
    (static / ".assets.lock").mkdir()
    assert "cannot be filled" in ensure(static)
