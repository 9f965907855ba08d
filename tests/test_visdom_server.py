"""The visdom server, its page in a real browser where there is one, and the page's scripts."""

import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from visdom_helpers import IMAGES, at, needs_visdom, post, sink, wait_until

from util import visdom_assets, visdom_server

pytestmark = pytest.mark.timeout(120)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


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


@needs_visdom
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_shows_curves_images_and_labels_as_text(port, tmp_path):
    static = visdom_server.find_visdom() / "static"
    if not (static / "version.built").exists():
        pytest.skip("the scripts of visdom's page could not be fetched")
    with sink(port, "page") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.losses(at(1), {"G": 0.5})
        visdom.images(at(1), IMAGES)
    with page(f"http://127.0.0.1:{port}/env/page", tmp_path) as evaluate:
        wait_until(lambda: evaluate("document.querySelectorAll('.window').length") == 3)
        wait_until(lambda: evaluate("document.querySelectorAll('.plot .js-line').length") == 1)
        wait_until(lambda: evaluate("document.querySelector('.window img').naturalWidth") == 24)
        assert "<script>" in evaluate("document.querySelector('.window table').innerText")
        assert evaluate("document.title") == "visdom"


@contextmanager
def page(url, folder):
    """Opens the page in Chromium; yields a function that evaluates JavaScript in it."""
    from websocket import create_connection

    quiet = ["background-networking", "component-update", "sync", "gpu"]
    command = [CHROMIUM, "--headless", "--no-sandbox", "--no-first-run", "--window-size=1300,900"]
    command += [f"--disable-{what}" for what in quiet]
    command += [f"--user-data-dir={folder}/profile", "--remote-debugging-port=0", url]
    null = subprocess.DEVNULL
    browser = subprocess.Popen(command, stdout=null, stderr=null)
    try:
        address = folder / "profile" / "DevToolsActivePort"
        wait_until(lambda: address.exists() and address.read_text().count("\n"))
        with urllib.request.urlopen(f"http://127.0.0.1:{address.read_text().split()[0]}/json") as f:
            pages = [it for it in json.load(f) if it["type"] == "page"]
        connection = create_connection(pages[0]["webSocketDebuggerUrl"], suppress_origin=True)

        def evaluate(expression):
            params = {"expression": expression, "returnByValue": True}
            message = {"id": 1, "method": "Runtime.evaluate", "params": params}
            connection.send(json.dumps(message))
            return json.loads(connection.recv())["result"]["result"].get("value")

        try:
            yield evaluate
        finally:
            connection.close()
    finally:
        browser.terminate()
        browser.wait()


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
from util.visdom_assets import VISDOM_0_2
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
